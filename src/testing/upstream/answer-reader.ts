import type { Endpoint } from '../../core/model/protocol.ts';
import { asNumber, asObject, asText, type JsonObject, objectsOf } from '../../simulator/json-value.ts';
import {
  answerParts,
  type AnswerShape,
  type AnswerUsage,
  expectedInputTokens,
  expectedVector,
} from './expected-answer.ts';

/**
 * How a client saw a reply. `right`: the whole expected answer and the protocol's end. `wrong`: text that is not part of the expected answer at
 * its place, whatever came behind it. `truncated`: less than the answer, or no end of the protocol, and nothing that tells the client so.
 * `refused`: an error status. `error-event`: an error inside a stream or whole reply that began with 200. `unreadable`: something that is not
 * JSON, at which clients throw. `cut`: the connection broke.
 * @public
 */
export type SeenAnswer =
  | { readonly kind: 'right'; readonly usage: AnswerUsage | undefined }
  | { readonly kind: 'wrong' | 'truncated' | 'unreadable' | 'cut' }
  | { readonly kind: 'refused'; readonly status: number; readonly body: string }
  | { readonly kind: 'error-event'; readonly body: string };

/** The parts of a reply that {@link readAnswer} needs; those of `fetch` have them. @public */
export interface ReadableReply {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** What was asked. @public */
export interface AskedAnswer {
  readonly endpoint: Endpoint;
  readonly prompt: string;
  /** As the upstream was started with. */
  readonly answer?: AnswerShape;
}

/**
 * Reads a reply to its end and says how a client saw it. Long answers are compared as they come and not kept.
 * @example
 * ```ts
 * const reply = await fetch(`${gateway}/v1/chat/completions`, { method: 'POST', headers, body });
 * const seen = await readAnswer(reply, { endpoint: 'chat', prompt: 'hello' });
 * ```
 * @public
 */
export async function readAnswer(reply: ReadableReply, asked: AskedAnswer): Promise<SeenAnswer> {
  const isStream = reply.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const reader = reply.status === 200 && isStream ? new StreamAnswer(asked) : undefined;
  const decoder = new TextDecoder();
  let text = '';
  let isCut = false;
  try {
    for await (const chunk of reply.body ?? []) {
      const decoded = decoder.decode(chunk, { stream: true });
      if (reader === undefined) text += decoded;
      else reader.push(decoded);
    }
  } catch {
    isCut = true; // how a client is told that the connection broke
  }
  if (reader !== undefined) return reader.seen(isCut);
  if (isCut) return { kind: 'cut' };
  return reply.status === 200 ? seenWhole(text, asked) : { kind: 'refused', status: reply.status, body: text };
}

/** Compares text with the expected answer as it comes. */
class AnswerCheck {
  readonly #parts: Iterator<string>;
  #due = '';
  isWrong = false;

  constructor({ prompt, answer }: AskedAnswer) {
    this.#parts = answerParts(prompt, answer);
  }

  take(text: string): void {
    while (this.#due.length < text.length && this.#refill());
    if (this.#due.startsWith(text)) this.#due = this.#due.slice(text.length);
    else this.isWrong = true;
  }

  isWhole(): boolean {
    return !this.isWrong && this.#due === '' && !this.#refill();
  }

  #refill(): boolean {
    const next = this.#parts.next();
    if (next.done === true) return false;
    this.#due += next.value;
    return true;
  }
}

/** Reads an event stream. Kept apart from the codecs of the product, whose faults it is to find. */
class StreamAnswer {
  readonly #endpoint: Endpoint;
  readonly #check: AnswerCheck;
  #rest = '';
  /** Whether the finish reason has come, and whether no more is owed behind it: only chat tells them apart. */
  #isFinished = false;
  #isOver = false;
  #usage: AnswerUsage | undefined;
  #fault: SeenAnswer | undefined;

  constructor(asked: AskedAnswer) {
    this.#endpoint = asked.endpoint;
    this.#check = new AnswerCheck(asked);
  }

  push(text: string): void {
    const events = (this.#rest + text).split('\n\n');
    this.#rest = events.pop() ?? '';
    for (const event of events) this.#read(event);
  }

  seen(isCut: boolean): SeenAnswer {
    if (this.#check.isWrong) return { kind: 'wrong' };
    if (this.#fault !== undefined) return this.#fault;
    const isEnd = isCut ? this.#isOver : this.#isFinished;
    if (isEnd && this.#check.isWhole()) return { kind: 'right', usage: this.#usage };
    return { kind: isCut ? 'cut' : 'truncated' };
  }

  #read(event: string): void {
    const data = event
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => line.slice(6))
      .join('\n');
    // Behind an error, or an event at which it threw, a client reads no more.
    if (data === '' || this.#fault !== undefined) return;
    if (data === '[DONE]') {
      this.#isOver = true;
      return;
    }
    const fields = parsed(data);
    if (fields === undefined) this.#fault = { kind: 'unreadable' };
    else if (isError(fields)) this.#fault = { kind: 'error-event', body: data };
    else this.#take(fields);
  }

  #take(fields: JsonObject): void {
    switch (this.#endpoint) {
      case 'chat': {
        const [choice] = objectsOf(fields['choices']);
        this.#text(asObject(choice?.['delta'])?.['content']);
        if (choice?.['finish_reason'] === 'stop') this.#isFinished = true;
        this.#usage = usageOf(fields['usage']) ?? this.#usage;
        return;
      }
      case 'messages':
        this.#text(asObject(fields['delta'])?.['text']);
        if (fields['type'] === 'message_stop') this.#isFinished = this.#isOver = true;
        if (fields['type'] === 'message_delta') this.#usage = usageOf(fields['usage']);
        return;
      case 'responses':
        if (fields['type'] === 'response.output_text.delta') this.#text(fields['delta']);
        if (fields['type'] !== 'response.completed') return;
        this.#isFinished = this.#isOver = true;
        this.#usage = usageOf(asObject(fields['response'])?.['usage']);
        return;
      case 'embeddings':
      case 'count-tokens':
        throw new RangeError(`${this.#endpoint} replies are no streams`);
    }
  }

  #text(text: unknown): void {
    if (typeof text === 'string' && text !== '') this.#check.take(text);
  }
}

function seenWhole(text: string, asked: AskedAnswer): SeenAnswer {
  const body = parsed(text);
  if (body === undefined) return { kind: 'unreadable' };
  if (isError(body)) return { kind: 'error-event', body: text };
  const isRight = isRightWhole(body, asked);
  return isRight ? { kind: 'right', usage: usageOf(body['usage']) } : { kind: 'wrong' };
}

function isRightWhole(body: JsonObject, asked: AskedAnswer): boolean {
  switch (asked.endpoint) {
    case 'embeddings':
      return JSON.stringify(objectsOf(body['data'])[0]?.['embedding']) === JSON.stringify(expectedVector(asked.prompt));
    case 'count-tokens':
      return body['input_tokens'] === expectedInputTokens(asked.prompt);
    case 'chat':
    case 'responses':
    case 'messages': {
      const check = new AnswerCheck(asked);
      check.take(wholeText(body, asked.endpoint));
      return check.isWhole();
    }
  }
}

function wholeText(body: JsonObject, endpoint: Endpoint): string {
  if (endpoint === 'chat') return asText(asObject(objectsOf(body['choices'])[0]?.['message'])?.['content']) ?? '';
  const content = endpoint === 'messages' ? body['content'] : objectsOf(body['output'])[0]?.['content'];
  return objectsOf(content)
    .map((part) => asText(part['text']) ?? '')
    .join('');
}

function isError(fields: JsonObject): boolean {
  return asObject(fields['error']) !== undefined || fields['type'] === 'error' || fields['type'] === 'response.failed';
}

function usageOf(value: unknown): AnswerUsage | undefined {
  const usage = asObject(value);
  if (usage === undefined) return undefined;
  return {
    inputTokens: asNumber(usage['input_tokens'] ?? usage['prompt_tokens']) ?? 0,
    outputTokens: asNumber(usage['output_tokens'] ?? usage['completion_tokens']) ?? 0,
  };
}

function parsed(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined; // the caller says that it was not JSON
  }
}
