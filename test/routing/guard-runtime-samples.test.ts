import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { GuardSample } from '../../src/core/guard/guard-state.ts';
import { DEFAULT_QUALITY, type Judge, type QualityPolicy } from '../../src/core/guard/quality-policy.ts';
import { type NanoUsd, nanoUsd } from '../../src/core/money.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import type { Target } from '../../src/core/model/target.ts';
import type { QualityStanding } from '../../src/core/route/route-choice.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import type { RoutedCall } from '../../src/engine/guard/routed-call.ts';
import type { JudgedLine } from '../../src/jobs/judged-log.ts';
import { ShadowSampler } from '../../src/jobs/shadow-samples.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { type FakeAnswer, FakeAskedEngine, HANGS, recordOf, replyText } from '../support/fake-asked-engine.ts';

const [CHEAP, MIDDLE, STRONG]: readonly [Target, Target, Target] = [
  { provider: 'p', model: 'cheap' },
  { provider: 'p', model: 'middle' },
  { provider: 'p', model: 'strong' },
];
const EXACT: Judge = { kind: 'exact', form: 'text' };
const ANSWERS: Readonly<Record<string, FakeAnswer>> = { cheap: 'wrong', middle: 'right', strong: 'right' };

function ruleOf(changes: Partial<RouteRule> = {}, quality: Partial<QualityPolicy> = {}): RouteRule {
  return {
    name: 'chat',
    match: {},
    targets: [CHEAP, STRONG],
    fallbacks: [],
    cascade: undefined,
    quality: { maxQualityLoss: 0.05, ...DEFAULT_QUALITY, judge: EXACT, ...quality },
    score: undefined,
    sticky: false,
    policyVersion: 'v1',
    ...changes,
  };
}

interface CallFields {
  readonly endpoint?: Endpoint;
  readonly body?: object;
  readonly reply?: string;
}

function routed(
  changes: Partial<RoutedCall> = {},
  { endpoint = 'chat', body = {}, reply = 'right' }: CallFields = {},
): RoutedCall {
  const asked = endpoint === 'responses' ? { input: 'What?' } : { messages: [{ role: 'user', content: 'What?' }] };
  const limit = endpoint === 'messages' ? { max_tokens: 10 } : {};
  return {
    record: recordOf({ endpoint, target: changes.candidate ?? 'p/strong', tags: { user: 'ada' } }),
    route: ruleOf(),
    candidate: undefined,
    endpoint,
    body: Buffer.from(JSON.stringify({ model: 'house', ...asked, ...limit, ...body })),
    headers: {
      'anthropic-beta': 'b',
      'x-farthing-session': 's',
      'x-farthing-tags': 'user=ada',
      'idempotency-key': 'k',
      'cache-control': 'no-cache',
    },
    caller: {
      project: 'tests',
      keyId: 'key_1',
      allowedModels: ['house'],
      requiredTags: ['user'],
      limits: { requestsPerMinute: 1 },
    },
    reply: Buffer.from(replyText(endpoint, reply)),
    form: 'whole',
    conversation: { name: 'one', turn: 1 },
    ...changes,
  };
}

interface Stage {
  readonly engine: FakeAskedEngine;
  readonly sampler: ShadowSampler;
  readonly samples: (GuardSample & { readonly id: string })[];
  readonly lines: JudgedLine[];
  /** Money without a sample. */
  readonly lost: NanoUsd[];
  readonly events: EngineEvent[];
  readonly standing: { certifiedIndex: number | undefined };
  outcomes(): readonly string[];
}

function stage(answers: (model: string) => FakeAnswer = (model) => ANSWERS[model] ?? 'none', fraction = 0): Stage {
  const engine = new FakeAskedEngine(answers);
  const samples: Stage['samples'] = [];
  const lost: NanoUsd[] = [];
  const events: EngineEvent[] = [];
  const lines: JudgedLine[] = [];
  const standing: Stage['standing'] = { certifiedIndex: undefined };
  const sampler = new ShadowSampler({
    engine,
    guard: {
      standing: (): QualityStanding => ({ ...standing, threshold: undefined, isAlarmed: false, calibration: '1.0' }),
      observe: (_name, id, sample) => void samples.push({ ...sample, id }),
      spent: (_name, _id, cost) => void (cost > 0 && lost.push(cost)),
    },
    protocolOf: (provider) => (provider === 'p' ? 'openai' : provider === 'a' ? 'anthropic' : undefined),
    validate: () => [],
    clock: new FakeClock(),
    random: { fraction: () => fraction, hex: () => 'abc' },
    events: { emit: (event) => events.push(event) },
    logOf: () => ({ append: (line) => void lines.push(line) }),
  });
  const outcomes = (): readonly string[] =>
    events.map((event) => (event.kind === 'route-sampled' ? event.outcome : event.kind));
  return { engine, sampler, samples, lost, events, standing, outcomes, lines };
}

async function sampled(call: RoutedCall, on: Stage = stage()): Promise<Stage> {
  on.sampler.take(call);
  await on.sampler.idle();
  return on;
}

describe('which calls are drawn', () => {
  test('by chance: calibrateRatio of the calls until something is certified, then sampleRatio', async () => {
    for (const [certifiedIndex, fraction, isDrawn] of [
      [undefined, 0.099, true],
      [undefined, 0.1, false],
      [0, 0.019, true],
      [0, 0.02, false],
    ] as const) {
      const on = stage(undefined, fraction);
      on.standing.certifiedIndex = certifiedIndex;
      // oxlint-disable-next-line no-await-in-loop
      await sampled(routed(), on);
      expect(on.events).toHaveLength(Number(isDrawn));
    }
  });

  test('calls of a route without quality to keep are not, nor embeddings', async () => {
    expect((await sampled(routed({ route: ruleOf({ quality: undefined }) }))).events).toEqual([]);
    expect((await sampled(routed({ endpoint: 'embeddings' }))).events).toEqual([]);
  });

  test.each<[string, RoutedCall]>([
    ['cached', routed({ record: recordOf({ cacheStatus: 'hit' }) })],
    ['cached', routed({ record: recordOf({ cacheStatus: 'collapsed' }) })],
    ['unfinished', routed({ record: recordOf({ outcome: 'broken' }) })],
    ['unfinished', routed({ record: recordOf({ outcome: 'client-left' }) })],
    ['unfinished', routed({ record: recordOf({ status: 400 }) })],
    ['other-target', routed({ record: recordOf({ target: 'p/fallback' }) })],
    ['other-target', routed({ candidate: 'cascade', record: recordOf({ target: 'p/fallback' }) })],
    ['budget-lowered', routed({ record: recordOf({ decisions: [{ step: 'budget', verdict: 'lowered' }] }) })],
    ['several-answers', routed({}, { body: { n: 2 } })],
    [
      'hosted-tools',
      routed({ endpoint: 'responses' }, { endpoint: 'responses', body: { tools: [{ type: 'web_search' }] } }),
    ],
    [
      'stored-conversation',
      routed({ endpoint: 'responses' }, { endpoint: 'responses', body: { previous_response_id: 'r' } }),
    ],
    ['stored-conversation', routed({ endpoint: 'responses' }, { endpoint: 'responses', body: { background: true } })],
    ['stored-conversation', routed({}, { body: { store: true } })],
    ['unreadable', routed({ body: Buffer.from('{') })],
    ['unreadable', routed({ reply: Buffer.from('{') })],
    ['unreadable', routed({ form: 'stream', reply: Buffer.from('data: {"choices":[]}\n\n') })],
  ])('one that is %s is counted and not asked again', async (outcome, call) => {
    const on = await sampled(call);
    expect(on.outcomes()).toEqual([outcome]);
    expect(on.engine.calls).toEqual([]);
  });
});

describe('what is asked', () => {
  test('a shadow is a call of our own around routes and cache, paid by the caller, behind all others', async () => {
    const { engine } = await sampled(routed({}, { body: { stream: true, stream_options: { include_usage: true } } }));
    const [call] = engine.calls;
    expect(call).toMatchObject({ kind: 'shadow', isOwn: true, endpoint: 'chat' });
    expect(call?.fields).toEqual({ model: 'p/cheap', messages: [{ role: 'user', content: 'What?' }] });
    expect(call?.headers).toEqual({ 'anthropic-beta': 'b', 'x-farthing-route': 'off', 'x-farthing-cache': 'off' });
    expect(call?.caller).toEqual({ project: 'tests', keyId: 'key_1', pinnedTags: { user: 'ada' }, priority: 'batch' });
  });

  test("a caller's own credentials go to the provider that they are for, and nowhere else", async () => {
    const own = { credentials: { authorization: 'Bearer sk-own' }, pinnedProvider: 'p' };
    const { engine } = await sampled(routed(own));
    expect(engine.calls[0]).toMatchObject({ provider: 'p', credentials: own.credentials, fields: { model: 'cheap' } });
    const other = await sampled(routed({ ...own, pinnedProvider: 'q' }));
    expect(other.engine.calls[0]).not.toHaveProperty('credentials');
    expect(other.engine.asked()).toEqual(['shadow p/cheap']);
  });

  test("the query of the caller's address is kept, as betas are asked for there", async () => {
    const { engine } = await sampled(routed({ query: 'beta=true' }));
    expect(engine.calls[0]?.query).toBe('beta=true');
  });

  test('nobody who does not speak the protocol of the call', async () => {
    const route = ruleOf({ targets: [{ provider: 'a', model: 'claude' }, CHEAP, STRONG] });
    const on = await sampled(routed({ route }));
    expect(on.engine.asked()).toEqual(['shadow p/cheap']);
    expect(on.outcomes()).toEqual(['judged']);
  });

  test('the provider is told not to keep the answer to a shadow of the Responses API', async () => {
    const { engine, samples } = await sampled(routed({ endpoint: 'responses' }, { endpoint: 'responses' }));
    expect(engine.calls[0]?.fields).toEqual({ model: 'p/cheap', input: 'What?', store: false });
    expect(samples).toHaveLength(1);
  });

  test('all cheaper targets when the strong one answered, the cheapest first', async () => {
    const route = ruleOf({ targets: [CHEAP, MIDDLE, STRONG] });
    const { engine, samples } = await sampled(routed({ route }));
    expect(engine.asked()).toEqual(['shadow p/cheap', 'shadow p/middle']);
    expect(samples).toMatchObject([
      { candidate: 'p/cheap', loss: 1, wasRouted: false, costNanoUsd: 20, id: 'call_1:p/cheap' },
      { candidate: 'p/middle', loss: 0, wasRouted: false, costNanoUsd: 0, id: 'call_1:p/middle' },
    ]);
  });

  test('the strong target when a cheap one answered, and what is cheaper still', async () => {
    const route = ruleOf({ targets: [CHEAP, MIDDLE, STRONG] });
    const on = stage();
    on.standing.certifiedIndex = 1;
    await sampled(routed({ route, candidate: 'p/middle', score: 0.25 }, { reply: 'right' }), on);
    expect(on.engine.asked()).toEqual(['shadow p/strong', 'shadow p/cheap']);
    expect(on.samples).toMatchObject([
      { candidate: 'p/cheap', loss: 1, wasRouted: false, score: 0.25 },
      { candidate: 'p/middle', loss: 0, wasRouted: true, score: 0.25 },
    ]);
  });

  test('nobody of a prompt that the score does not know: the strong target answers such calls', async () => {
    const score = { model: { certified: null } as NonNullable<RouteRule['score']>['model'], threshold: undefined };
    const unknown = await sampled(routed({ route: ruleOf({ score }) }));
    expect(unknown.engine.calls).toEqual([]);
    expect(unknown.samples).toMatchObject([{ candidate: 'p/cheap', loss: 0, wasRouted: false, score: undefined }]);
    const known = await sampled(routed({ route: ruleOf({ score }), score: 0.3 }));
    expect(known.samples).toMatchObject([{ candidate: 'p/cheap', loss: 1, wasRouted: false, score: 0.3 }]);
  });

  test('with the calibration under which the call was made', async () => {
    const route = { route: 'chat', reason: 'uncertified', policyVersion: 'v1', calibration: '3.17' } as const;
    const { samples } = await sampled(routed({ record: recordOf({ route }) }));
    expect(samples).toMatchObject([{ round: 3 }]);
  });

  test('nothing dearer than the certified target, where the strong one answered', async () => {
    const on = stage();
    on.standing.certifiedIndex = 0;
    await sampled(routed({ route: ruleOf({ targets: [CHEAP, MIDDLE, STRONG] }) }), on);
    expect(on.engine.asked()).toEqual(['shadow p/cheap']);
  });

  test('a judge of the other protocol is asked in its own', async () => {
    const judge: Judge = { kind: 'model', target: { provider: 'a', model: 'judge' }, instructions: undefined };
    const on = stage((model) => (model === 'judge' ? '{"better":"2"}' : (ANSWERS[model] ?? '')));
    await sampled(routed({ route: ruleOf({}, { judge }) }), on);
    expect(on.engine.asked()).toEqual(['shadow p/cheap', 'judge a/judge', 'judge a/judge']);
    expect(on.engine.calls[1]).toMatchObject({
      endpoint: 'messages',
      isOwn: true,
      fields: { temperature: 0, max_tokens: 4096 },
      caller: { project: 'tests' },
    });
    expect(on.samples).toMatchObject([{ loss: 0, costNanoUsd: 30 }]);
  });

  test('a judge at a provider that there is not drops the sample', async () => {
    const judge: Judge = { kind: 'model', target: { provider: 'gone', model: 'judge' }, instructions: undefined };
    expect((await sampled(routed({ route: ruleOf({}, { judge }) }))).outcomes()).toEqual(['judge-no-provider']);
  });
});

describe('a cascade', () => {
  const JSON_CHECK = { kind: 'json', always: true } as const;
  const route = ruleOf({ cascade: { verify: [JSON_CHECK] } });

  test('that escalated has lost nothing, and nobody is asked', async () => {
    const { engine, samples } = await sampled(routed({ route, candidate: 'cascade', record: recordOf() }));
    expect(engine.calls).toEqual([]);
    expect(samples).toMatchObject([{ candidate: 'cascade', loss: 0, wasRouted: true, costNanoUsd: 0 }]);
  });

  test('that kept a cheap answer is held against the strong target', async () => {
    const cheap = { route, record: recordOf({ target: 'p/cheap' }), candidate: 'cascade' };
    const { engine, samples } = await sampled(routed(cheap, { reply: 'wrong' }));
    expect(engine.asked()).toEqual(['shadow p/strong']);
    expect(samples).toMatchObject([{ candidate: 'cascade', loss: 1, wasRouted: true }]);
  });

  test('that is not certified is played: what fails its checks would have escalated', async () => {
    const { engine, samples, lines } = await sampled(routed({ route }));
    expect(engine.asked()).toEqual(['shadow p/cheap']);
    expect(samples).toMatchObject([{ candidate: 'cascade', loss: 0, wasRouted: false, costNanoUsd: 10 }]);
    expect(lines).toEqual([]);
  });

  test('that is not certified is played: what passes is judged', async () => {
    const on = stage(() => '{"a":1}');
    await sampled(routed({ route }, { reply: '{"a":2}' }), on);
    expect(on.samples).toMatchObject([{ candidate: 'cascade', loss: 1, wasRouted: false }]);
  });

  test('of several targets asks the next one where one fails', async () => {
    const on = stage((model) => (model === 'middle' ? '{"a":1}' : 'no json'));
    await sampled(routed({ route: { ...route, targets: [CHEAP, MIDDLE, STRONG] } }, { reply: '{"a":1}' }), on);
    expect(on.engine.asked()).toEqual(['shadow p/cheap', 'shadow p/middle']);
    expect(on.samples).toMatchObject([{ loss: 0, costNanoUsd: 20 }]);
  });

  test('asks for the second answer that its checks need', async () => {
    const agreeing = ruleOf({ cascade: { verify: [{ kind: 'agree', target: undefined, form: 'text' }] } });
    const on = await sampled(routed({ route: agreeing }));
    expect(on.engine.asked()).toEqual(['shadow p/cheap', 'verify p/cheap']);
    expect(on.engine.calls[1]?.fields).toMatchObject({ temperature: 1 });
    expect(on.samples).toMatchObject([{ loss: 1 }]);
  });

  test('none of whose targets could be asked gives no sample', async () => {
    const on = stage(() => ({ refusal: 'budget-spent' }));
    await sampled(routed({ route }), on);
    expect(on.samples).toEqual([]);
    expect(on.outcomes()).toEqual(['budget-spent']);
  });
});

describe('what comes of it', () => {
  test('a budget that refuses costs a sample and nothing else', async () => {
    const on = stage(() => ({ refusal: 'budget-spent' }));
    await sampled(routed(), on);
    expect(on.outcomes()).toEqual(['budget-spent']);
    expect(on.samples).toEqual([]);
    expect(on.lost).toEqual([]);
  });

  test('all that asking and judging costs is told once, also where no sample comes of it', async () => {
    const judge: Judge = { kind: 'model', target: { provider: 'p', model: 'judge' }, instructions: undefined };
    const route = ruleOf({ targets: [CHEAP, MIDDLE, STRONG] }, { judge });
    let verdicts = 0;
    const on = stage((model) => {
      if (model !== 'judge') return `${model} says so`;
      return (verdicts += 1) === 1 ? 'no idea' : '{"better":"same"}';
    });
    await sampled(routed({ route }), on);
    expect(on.outcomes()).toEqual(['judge-unparseable', 'judged']);
    const told = on.events.reduce((sum, event) => sum + (event.kind === 'route-sampled' ? event.costNanoUsd : 0), 0);
    const booked = on.samples.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
    const spent = on.engine.records.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0);
    expect([told, booked + on.lost.reduce((sum, cost) => sum + cost, 0)]).toEqual([spent, spent]);
    expect(spent).toBe(40);
  });

  test('a judged pair is written with what the user said, for training', async () => {
    const { lines } = await sampled(routed());
    expect(lines).toEqual([
      { id: 'call_1', prompt: 'What?', models: { 'p/cheap': { quality: 0 }, 'p/strong': { quality: 1 } } },
    ]);
  });
});

describe('bounds', () => {
  test('four samples are under way at a time, a hundred wait, and the rest is dropped and counted', async () => {
    const on = stage(() => HANGS);
    for (let call = 0; call < 110; call += 1) on.sampler.take(routed());
    expect(on.outcomes()).toEqual(Array.from({ length: 6 }, () => 'queue-full'));
    await nextTurn();
    await nextTurn();
    expect(on.engine.calls).toHaveLength(4);
    await on.sampler.close();
  });

  test('a stop drops what waits, breaks off what is under way after two seconds, and takes no more', async () => {
    const on = stage(() => HANGS);
    for (let call = 0; call < 10; call += 1) on.sampler.take(routed());
    await nextTurn();
    const startedMs = performance.now();
    await on.sampler.close();
    expect(performance.now() - startedMs).toBeGreaterThan(1900);
    expect(on.engine.calls).toHaveLength(4);
    on.sampler.take(routed());
    expect(on.engine.calls).toHaveLength(4);
    expect(on.samples).toEqual([]);
  });

  test('an engine that throws is a fault of ours that harms no call', async () => {
    const on = stage(() => {
      throw new Error('broken');
    });
    await sampled(routed(), on);
    expect(on.events).toMatchObject([{ kind: 'internal-fault', callId: 'call_1' }]);
  });

  test('an answer that is too long is given up', async () => {
    const on = stage(() => 'x'.repeat(5_000_000));
    await sampled(routed(), on);
    expect(on.outcomes()).toEqual(['too-large']);
    expect(nanoUsd(on.lost[0] ?? 0)).toBe(10);
  });
});
