import type { FarthingError } from '../../src/core/errors.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { formatTarget } from '../../src/core/model/target.ts';
import { usageOf } from '../../src/core/model/usage.ts';
import { type NanoUsd, nanoUsd } from '../../src/core/money.ts';
import type { Call, Next, Outcome } from '../../src/middleware/compose.ts';
import { convertReply } from '../../src/wire/convert-reply.ts';
import { wholeReplyFacts } from '../../src/wire/reply-whole.ts';

/** What a target answers. */
export interface Said {
  readonly text?: string;
  /** In the words of chat completions. @defaultValue 'stop' */
  readonly finish?: string;
  /** Answers with this status and an error. */
  readonly status?: number;
  /** Breaks off before a byte. */
  readonly breaks?: FarthingError;
  /** A step of ours refuses the attempt. */
  readonly throws?: Error;
  /** Waits for this; the call's signal ends the wait. */
  readonly until?: Promise<unknown>;
  /** Is charged only then. */
  readonly settles?: Promise<unknown>;
  /** @defaultValue 10 */
  readonly cost?: NanoUsd;
}

const FINISHES: Readonly<Record<string, string>> = { stop: 'end_turn', length: 'max_tokens' };

/** A whole reply of an endpoint that says a text. */
export function replyThatSays(endpoint: Endpoint, text: string, finish = 'stop', model = 'm'): Uint8Array {
  const usage = { input_tokens: 3, output_tokens: 2 };
  const bodies: Readonly<Partial<Record<Endpoint, unknown>>> = {
    chat: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: text, refusal: null },
          finish_reason: finish,
          logprobs: null,
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    },
    responses: {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      status: finish === 'stop' ? 'completed' : 'incomplete',
      incomplete_details: finish === 'stop' ? null : { reason: 'max_output_tokens' },
      error: null,
      model,
      output: [
        {
          id: 'msg_1',
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text, annotations: [] }],
        },
      ],
      usage: {
        ...usage,
        total_tokens: 5,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens_details: { reasoning_tokens: 0 },
      },
    },
    messages: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model,
      content: [{ type: 'text', text }],
      stop_reason: FINISHES[finish] ?? finish,
      stop_sequence: null,
      usage,
    },
  };
  return new TextEncoder().encode(JSON.stringify(bodies[endpoint]));
}

/** The rest of a chain behind the cascade, in which targets answer as they are told to. */
export class ScriptedTargets {
  /** In the order in which they were asked. */
  readonly calls: Call[] = [];
  readonly #said: (target: string, call: Call) => Said;

  constructor(said: (target: string, call: Call) => Said) {
    this.#said = said;
  }

  readonly next: Next = async (call) => {
    const target = call.state.plan?.targets[0] ?? { provider: '', model: '' };
    this.calls.push(call);
    const said = this.#said(formatTarget(target), call);
    if (said.throws !== undefined) throw said.throws;
    const isReachedInTime = said.until === undefined || (await isReached(said.until, call.signal));
    const outcome = isReachedInTime ? this.#reply(call, said) : left(call);
    await said.settles;
    return this.#charged(call, said, outcome);
  };

  /** What was asked of whom, as `kind provider/model`. */
  asked(): readonly string[] {
    return this.calls.map(
      ({ kind, state }) => `${kind} ${formatTarget(state.plan?.targets[0] ?? { provider: '', model: '' })}`,
    );
  }

  #reply(call: Call, said: Said): Outcome {
    const { receiver, endpoint, state } = call;
    if (said.breaks !== undefined) {
      receiver.fail(said.breaks);
      return { kind: 'broken', facts: undefined };
    }
    state.answering = state.plan?.targets[0];
    if (said.status !== undefined) {
      receiver.head({ status: said.status, headers: { 'content-type': 'application/json' }, form: 'whole' });
      receiver.frames([
        { bytes: new TextEncoder().encode('{"error":{"message":"it is ill","type":"server_error"}}'), role: 'content' },
      ]);
      receiver.end();
      return { kind: 'provider-error', facts: undefined };
    }
    const body = replyThatSays(endpoint, said.text ?? 'fine', said.finish);
    const isStream = state.request?.isStream === true;
    const type = isStream ? 'text/event-stream' : 'application/json';
    const frames = isStream ? convertReply(endpoint, 'whole', body) : [{ bytes: body, role: 'content' as const }];
    const facts = wholeReplyFacts(endpoint, JSON.parse(new TextDecoder().decode(body)));
    this.#answer(call);
    receiver.head({ status: 200, headers: { 'content-type': type }, form: isStream ? 'stream' : 'whole' });
    receiver.frames(frames ?? []);
    receiver.end();
    return { kind: 'complete', facts };
  }

  #answer({ state }: Call): void {
    const [target] = state.plan?.targets ?? [];
    if (target === undefined) return;
    const usage = usageOf({ input: 3, output: 2 });
    state.answer = {
      source: 'provider',
      target,
      servedModel: 'm',
      baselineUsage: usage,
      usage,
      terms: {},
      charge: undefined,
    };
  }

  #charged(call: Call, { cost = nanoUsd(10) }: Said, outcome: Outcome): Outcome {
    const [target = { provider: '', model: '' }] = call.state.plan?.targets ?? [];
    const { spending } = call.state;
    spending.attempts += 1;
    spending.charges.push({
      chargeId: `${call.id}.${spending.attempts}`,
      callId: call.id,
      kind: call.kind,
      atMs: 0,
      project: 'p',
      keyId: 'k',
      tags: {},
      endpoint: call.endpoint,
      target: formatTarget(target),
      servedModel: undefined,
      usage: usageOf({ input: 3, output: 2 }),
      certainty: outcome.kind === 'complete' ? 'exact' : 'estimate',
      amountNanoUsd: cost,
      priceEntry: undefined,
      corrects: undefined,
      status: 200,
      outcome: outcome.kind,
    });
    return outcome;
  }
}

function left({ receiver, signal }: Call): Outcome {
  receiver.fail(signal.reason as FarthingError);
  return { kind: 'client-left', facts: undefined };
}

/** False: the signal came first. */
function isReached(moment: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    signal.addEventListener('abort', () => resolve(false), { once: true });
    void moment.then(() => resolve(true));
  });
}
