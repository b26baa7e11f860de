import { describe, expect, test } from 'vitest';
import type { GuardSample } from '../../src/core/guard/guard-state.ts';
import { DEFAULT_QUALITY, type Judge } from '../../src/core/guard/quality-policy.ts';
import type { RouteRule } from '../../src/core/route/route-rule.ts';
import type { RoutedCall } from '../../src/engine/guard/routed-call.ts';
import { ShadowSampler } from '../../src/jobs/shadow-samples.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import {
  type AskedCall,
  type FakeAnswer,
  FakeAskedEngine,
  HANGS,
  recordOf,
  replyText,
} from '../support/fake-asked-engine.ts';

const MODEL_JUDGE: Judge = { kind: 'model', target: { provider: 'p', model: 'judge' }, instructions: undefined };
const PREFERS_STRONG = (call: AskedCall): string => (promptOf(call).includes('<answer-1 abc>\nright') ? '1' : '2');

function ruleOf(judge: Judge): RouteRule {
  return {
    name: 'chat',
    match: {},
    targets: [
      { provider: 'p', model: 'cheap' },
      { provider: 'p', model: 'strong' },
    ],
    fallbacks: [],
    cascade: undefined,
    quality: { maxQualityLoss: 0.05, ...DEFAULT_QUALITY, judge },
    score: undefined,
    sticky: false,
    policyVersion: 'v1',
  };
}

/** A call that the strong target answered with "right"; `prompt` decides what the cheap one says. */
function routed(prompt: string, judge: Judge): RoutedCall {
  return {
    record: recordOf({ callId: prompt, target: 'p/strong' }),
    route: ruleOf(judge),
    candidate: undefined,
    endpoint: 'chat',
    body: Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }] })),
    headers: {},
    conversation: { name: 'one', turn: 1 },
    caller: { project: 'tests', keyId: 'key_1' },
    reply: Buffer.from(replyText('chat', 'right')),
    form: 'whole',
  };
}

interface Stage {
  readonly samples: (GuardSample & { readonly id: string })[];
  readonly events: EngineEvent[];
  readonly lines: unknown[];
  readonly sampler: ShadowSampler;
  readonly engine: FakeAskedEngine;
}

function stage(answer: (model: string, prompt: string, call: AskedCall) => FakeAnswer): Stage {
  const samples: Stage['samples'] = [];
  const events: EngineEvent[] = [];
  const lines: unknown[] = [];
  const engine = new FakeAskedEngine((model, call) => answer(model, promptOf(call), call));
  const sampler = new ShadowSampler({
    engine,
    guard: {
      standing: () => ({ certifiedIndex: undefined, threshold: undefined, isAlarmed: false, calibration: '1.0' }),
      observe: (_route, id, sample) => void samples.push({ ...sample, id }),
      spent: () => undefined,
    },
    protocolOf: () => 'openai',
    validate: () => [],
    clock: new FakeClock(),
    random: { fraction: () => 0, hex: () => 'abc' },
    events: { emit: (event) => events.push(event) },
    logOf: () => ({ append: (line) => void lines.push(line) }),
  });
  return { samples, events, lines, sampler, engine };
}

function promptOf({ fields }: AskedCall): string {
  return (fields['messages'] as readonly { readonly content: string }[]).at(-1)?.content ?? '';
}

async function lossesOf(on: Stage, prompts: readonly string[], judge: Judge): Promise<readonly number[]> {
  for (const prompt of prompts) {
    on.sampler.take(routed(prompt, judge));
    await on.sampler.idle(); // oxlint-disable-line no-await-in-loop -- one after the other
  }
  return on.samples.map(({ loss }) => loss);
}

function outcomes({ events }: Stage): readonly string[] {
  return events.flatMap((event) => (event.kind === 'route-sampled' ? [event.outcome] : [event.kind]));
}

describe('what is dropped does not make a target look better', () => {
  const cheap = (prompt: string): string => (prompt.startsWith('same') ? 'right' : 'wrong');

  test('a judge that cannot be asked leaves no equal answers alone to speak for the target', async () => {
    const on = stage((model, prompt) => (model === 'judge' ? { refusal: 'provider-error' } : cheap(prompt)));
    const prompts = [
      'other 0',
      ...Array.from({ length: 30 }, (_, index) => `${index % 3 === 0 ? 'other' : 'same'} ${index}`),
    ];
    expect(await lossesOf(on, prompts, MODEL_JUDGE)).toEqual([]);
    expect(outcomes(on)).toContain('judge-silent');
  });

  test('when the judge answers again, equal answers count again', async () => {
    let isDown = true;
    const on = stage((model, prompt, call) => {
      if (model !== 'judge') return cheap(prompt);
      return isDown ? { refusal: 'provider-error' } : PREFERS_STRONG(call);
    });
    expect(await lossesOf(on, ['same 1', 'other 1', 'same 2'], MODEL_JUDGE)).toEqual([0]);
    isDown = false;
    expect(await lossesOf(on, ['same 3', 'other 2', 'same 4'], MODEL_JUDGE)).toEqual([0, 1, 0]);
    expect(outcomes(on)).toEqual([
      'judged',
      'judge-provider-error',
      'judge-silent',
      'judge-silent',
      'judged',
      'judged',
    ]);
  });

  test('a judge that fails now and then, whatever it is asked of, leaves the mean as it is', async () => {
    const { fraction } = seededRandom(5);
    const on = stage((model, prompt, call) => {
      if (model !== 'judge') return cheap(prompt);
      return fraction() < 0.25 ? { refusal: 'provider-error' } : PREFERS_STRONG(call);
    });
    const prompts = Array.from({ length: 1000 }, (_, index) => `${fraction() < 0.2 ? 'other' : 'same'} ${index}`);
    const losses = await lossesOf(on, prompts, MODEL_JUDGE);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    expect(losses.length).toBeGreaterThan(400);
    expect(mean).toBeGreaterThan(0.17);
    expect(mean).toBeLessThan(0.23);
  });

  test('a verdict that nobody can read counts against the cheap answer, and teaches no score', async () => {
    const on = stage((model, prompt) => (model === 'judge' ? 'As you wish: I say nothing.' : cheap(prompt)));
    expect(await lossesOf(on, ['other 1'], MODEL_JUDGE)).toEqual([1]);
    expect(outcomes(on)).toEqual(['judge-unparseable']);
    expect(on.lines).toEqual([]);
  });

  test("an answer over which a program's own test throws is a bad one, as it is for a cascade", async () => {
    const own: Judge = { kind: 'test', test: ({ text }) => JSON.parse(text) === 'right' };
    const on = stage((_model, prompt) => (prompt.startsWith('broken') ? 'no JSON' : '"right" '));
    const call = (prompt: string): RoutedCall => ({
      ...routed(prompt, own),
      reply: Buffer.from(replyText('chat', '"right"')),
    });
    for (const prompt of ['fine', 'broken']) {
      on.sampler.take(call(prompt));
      await on.sampler.idle(); // oxlint-disable-line no-await-in-loop
    }
    expect(on.samples.map(({ loss }) => loss)).toEqual([0, 1]);
  });
});

test('samples count in the order in which they were drawn, however long each of them takes', async () => {
  const releases = new Map<string, () => void>();
  const on = stage((_model, prompt) => (prompt === 'slow' ? 'wrong' : 'right'));
  const handle = on.engine.handle.bind(on.engine);
  on.engine.handle = async (request, sink) => {
    const fields = JSON.parse(Buffer.from(request.body).toString()) as AskedCall['fields'];
    const prompt = promptOf({ ...request, fields });
    if (prompt === 'slow') await new Promise<void>((resolve) => releases.set(prompt, resolve));
    return handle(request, sink);
  };
  const exact: Judge = { kind: 'exact', form: 'text' };
  for (const prompt of ['slow', 'fast 1', 'fast 2']) on.sampler.take(routed(prompt, exact));
  await expect.poll(() => on.engine.calls.length).toBe(2);
  await new Promise((resolve) => void setImmediate(resolve));
  // An answer that differs takes longer to judge: to look at the quick ones first is to look at the equal ones.
  expect(on.samples).toEqual([]);
  releases.get('slow')?.();
  await on.sampler.idle();
  expect(on.samples.map(({ id, loss }) => [id, loss])).toEqual([
    ['slow:p/cheap', 1],
    ['fast 1:p/cheap', 0],
    ['fast 2:p/cheap', 0],
  ]);
});

test('a stop that breaks a slow sample off counts none of the quicker ones behind it, only their money', async () => {
  const on = stage((_model, prompt) => (prompt === 'slow' ? HANGS : 'right'));
  const exact: Judge = { kind: 'exact', form: 'text' };
  for (const prompt of ['before', 'slow', 'behind']) on.sampler.take(routed(prompt, exact));
  await on.sampler.close();
  expect(on.samples.map(({ id }) => id)).toEqual(['before:p/cheap']);
  const told = on.events.map((event) => (event.kind === 'route-sampled' ? [event.outcome, event.costNanoUsd] : []));
  expect([told.length, told[0], told.at(-1)]).toEqual([3, ['judged', 10], ['closing', 10]]);
});
