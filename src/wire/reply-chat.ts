import type { Finish, ReplyFacts } from '../core/model/reply.ts';
import { replyError } from './reply-error.ts';
import { isFilledList, objectOf, objectsOf } from './reply-fields.ts';
import { chatFinish, worseFinish } from './reply-finish.ts';
import { ReplyTally } from './reply-tally.ts';
import { type Fields, wordOf } from './usage-count.ts';

interface ChoiceState {
  finish: Finish | undefined;
  calledTools: boolean;
  refused: boolean;
}

/** Whether a chunk is the extra one that `include_usage` asks for: a usage object and no choice. @internal */
export function isUsageOnlyChunk(chunk: Fields): boolean {
  const choices = chunk['choices'];
  return Array.isArray(choices) && choices.length === 0 && objectOf(chunk['usage']) !== undefined;
}

/** Gathers the facts of a chat completion from its body or its chunks, which differ in `message` and `delta` only. @internal */
export class ChatTally {
  readonly tally: ReplyTally = new ReplyTally('openai-chat');
  readonly #choices: Map<number, ChoiceState> = new Map();
  readonly #samples: number;
  #finished = 0;

  /** @param samples - answers that were asked for at once. */
  constructor(samples = 1) {
    this.#samples = samples;
  }

  /** Whether every answer has its finish reason. Some providers never send `[DONE]`. */
  get hasFinished(): boolean {
    return this.#finished >= Math.max(this.#samples, this.#choices.size);
  }

  /** Takes a body or a chunk. */
  take(reply: Fields): void {
    const { tally } = this;
    tally.name(reply);
    for (const choice of objectsOf(reply['choices'])) this.#takeChoice(choice);
    tally.stateUsage(reply['usage'] ?? objectOf(reply['x_groq'])?.['usage'], reply);
    // Perplexity and others list at the top what they searched for.
    if (isFilledList(reply['citations']) || isFilledList(reply['search_results'])) tally.usedHostedTools = true;
    const error = replyError(reply['error']) ?? replyError(objectOf(reply['x_groq'])?.['error']);
    if (error !== undefined) tally.fail(error);
  }

  facts(): ReplyFacts {
    let finish: Finish | undefined;
    for (const state of this.#choices.values()) finish = worseFinish(finish ?? 'complete', finishOf(state));
    this.tally.finish = finish ?? 'unknown';
    if (this.hasFinished) this.tally.ended = true;
    return { ...this.tally.facts(), choices: this.#choices.size };
  }

  #takeChoice(choice: Fields): void {
    const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
    let state = this.#choices.get(index);
    if (state === undefined) {
      state = { finish: undefined, calledTools: false, refused: false };
      this.#choices.set(index, state);
    }
    const message = objectOf(choice['delta']) ?? objectOf(choice['message']);
    if (message !== undefined) takeMessage(this.tally, state, message);
    const word = wordOf(choice['finish_reason']);
    if (word !== undefined) {
      if (state.finish === undefined) this.#finished += 1;
      state.finish = chatFinish(word);
    }
    const error = replyError(choice['error']);
    if (error !== undefined) this.tally.fail(error);
  }
}

function finishOf(state: ChoiceState): Finish {
  const finish = state.finish ?? 'unknown';
  if (state.refused) return worseFinish(finish, 'refusal');
  // A call that the request forced ends with `stop`.
  return finish === 'complete' && state.calledTools ? 'tool-calls' : finish;
}

function takeMessage(tally: ReplyTally, state: ChoiceState, message: Fields): void {
  takeContent(tally, message['content']);
  takeReasoning(tally, message);
  if (tally.text(message['refusal'])) state.refused = true;
  for (const call of objectsOf(message['tool_calls'])) {
    takeCall(tally, state, objectOf(call['function']) ?? objectOf(call['custom']));
  }
  const call = objectOf(message['function_call']);
  // Snowflake sends an empty one with every message.
  if (wordOf(call?.['name']) !== undefined || wordOf(call?.['arguments']) !== undefined) takeCall(tally, state, call);
  const audio = objectOf(message['audio']);
  if (audio !== undefined) {
    tally.text(audio['transcript']);
    if (wordOf(audio['data']) !== undefined) tally.isEmpty = false;
  }
  if (isFilledList(message['images'])) tally.isEmpty = false;
  // OpenAI and OpenRouter annotate what a web search found; Groq's compound models list the tools that they ran.
  if (isFilledList(message['annotations']) || isFilledList(message['executed_tools'])) tally.usedHostedTools = true;
}

function takeCall(tally: ReplyTally, state: ChoiceState, call: Fields | undefined): void {
  if (call === undefined) return;
  state.calledTools = true;
  tally.isEmpty = false;
  if (!tally.text(call['arguments'])) tally.text(call['input']);
}

/** A text, or Mistral's list of text and thinking parts. */
function takeContent(tally: ReplyTally, content: unknown): void {
  if (typeof content === 'string') {
    tally.text(content);
    return;
  }
  for (const part of objectsOf(content)) {
    tally.text(part['text']);
    takeContent(tally, part['thinking']);
  }
}

/** The same thoughts come under two or three names from some providers: counted once. */
function takeReasoning(tally: ReplyTally, message: Fields): void {
  if (tally.text(message['reasoning_content'])) return;
  if (tally.text(message['reasoning'])) return;
  for (const detail of objectsOf(message['reasoning_details'])) {
    if (!tally.text(detail['text'])) tally.text(detail['summary']);
  }
}
