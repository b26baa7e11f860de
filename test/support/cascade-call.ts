import { FarthingError } from '../../src/core/errors.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { parseTarget, type Target } from '../../src/core/model/target.ts';
import { nanoUsd } from '../../src/core/money.ts';
import type { AnswerCheck } from '../../src/core/verify/answer-check.ts';
import type { Call, Outcome } from '../../src/middleware/compose.ts';
import { CascadeBook } from '../../src/middleware/cascade/cascade-book.ts';
import { cascadeMiddleware } from '../../src/middleware/cascade/cascade.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import type { Pricer } from '../../src/ports/pricer.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { decodeRequest } from '../../src/wire/decode-request.ts';
import { fakeCall, NotingReceiver } from './fake-call.ts';
import { type Said, ScriptedTargets } from './scripted-targets.ts';

export const CHEAP: Target = target('p/cheap');
export const STRONG: Target = target('p/strong');
export const NUMBER: AnswerCheck = { kind: 'pattern', pattern: '^\\d+$' };
export const AGREE: AnswerCheck = { kind: 'agree', target: target('p/other'), form: 'text' };
export const SAMPLE: AnswerCheck = { kind: 'agree', target: undefined, form: 'text' };
export const DOWN: FarthingError = new FarthingError('provider-unreachable', 'down', { retryable: true });

/** Every way in which answers come. */
export const CASCADE_FORMS: readonly { readonly endpoint: Endpoint; readonly isStream: boolean }[] = (
  ['chat', 'responses', 'messages'] as const
).flatMap((endpoint) => [false, true].map((isStream) => ({ endpoint, isStream })));

/** A target by name. */
export function target(name: string): Target {
  return parseTarget(name) as Target;
}

/** A call at the cascade step, with scripted targets behind it. */
export interface CascadeCall {
  readonly call: Call;
  readonly receiver: NotingReceiver;
  readonly targets: ScriptedTargets;
  readonly events: EngineEvent[];
  readonly clock: FakeClock;
  readonly book: CascadeBook;
  run(): Promise<Outcome>;
}

export interface CascadeCallOptions {
  readonly said?: Readonly<Record<string, Said>> | ((target: string, call: Call) => Said);
  readonly verify?: readonly AnswerCheck[];
  readonly targets?: readonly [Target, ...Target[]];
  readonly length?: number;
  readonly endpoint?: Endpoint;
  readonly isStream?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  readonly book?: CascadeBook;
  readonly maxReplyBytes?: number;
}

const BODIES: Readonly<Partial<Record<Endpoint, Readonly<Record<string, unknown>>>>> = {
  chat: { messages: [{ role: 'user', content: 'how many?' }] },
  responses: { input: 'how many?' },
  messages: { max_tokens: 100, messages: [{ role: 'user', content: 'how many?' }] },
};

export function cascadeCall(options: CascadeCallOptions = {}): CascadeCall {
  const { endpoint = 'chat', isStream = false, said = {}, targets = [CHEAP, STRONG] } = options;
  const receiver = new NotingReceiver();
  const events: EngineEvent[] = [];
  const clock = new FakeClock();
  const book = options.book ?? new CascadeBook();
  const body = { model: 'asked', ...BODIES[endpoint], ...(isStream ? { stream: true } : {}), ...options.body };
  const request = decodeRequest(endpoint, new TextEncoder().encode(JSON.stringify(body)));
  const call: Call = {
    ...fakeCall('c', receiver, options.signal),
    endpoint,
    body: new TextEncoder().encode(request.text),
  };
  call.state.request = request;
  call.state.shape = request;
  const cascade = { name: 'sums@1', verify: options.verify ?? [NUMBER], length: options.length ?? 2 };
  call.state.plan = { asked: 'asked', baseline: STRONG, targets, cascade };
  const scripted = new ScriptedTargets((name, asked) =>
    typeof said === 'function' ? said(name, asked) : (said[name.slice(2)] ?? { text: '42' }),
  );
  const pricer = { price: () => ({ amountNanoUsd: nanoUsd(100), priceEntry: '1:x' }) } as unknown as Pricer;
  const step = cascadeMiddleware({
    book,
    newValidator: () => () => undefined,
    pricer,
    maxReplyBytes: options.maxReplyBytes ?? 1_000_000,
    totalMs: 60_000,
    clock,
    events: { emit: (event) => void events.push(event) },
  });
  return { call, receiver, targets: scripted, events, clock, book, run: () => step.handle(call, scripted.next) };
}

/** What the step decided. */
export function decisionsOf({ call }: CascadeCall): readonly string[] {
  return call.state.decisions
    .filter(({ step }) => step === 'cascade')
    .map(({ verdict, reason, target: about }) =>
      [verdict, reason, about].filter((part) => part !== undefined).join(' '),
    );
}
