import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { FORMS } from '../support/asked-calls.ts';
import { attemptsOf, briefly, expectMoneyOf, startResilienceStage } from '../support/resilience-stage.ts';

const PROMPT = 'tell me';
const STREAMS = FORMS.filter(({ isStream }) => isStream);
const WHOLES = FORMS.filter(({ isStream, endpoint }) => !isStream && endpoint !== 'count-tokens');
const NAMES: Readonly<Record<Endpoint, readonly [string, string]>> = {
  chat: ['one', 'two'],
  responses: ['one', 'two'],
  embeddings: ['one', 'two'],
  messages: ['one-claude', 'two-claude'],
  'count-tokens': ['one-claude', 'two-claude'],
};
/** At once to the next target: nothing is tried twice. */
const ONCE = { retries: 0 } as const;

/** Faults that are seen before anything of an answer is, what they cost and what they are called. */
const HIDDEN: readonly (readonly [UpstreamFault, certainty: string, outcome: string, reason: string])[] = [
  [{ kind: 'status', status: 500 }, 'none', 'provider-error', 'status-500'],
  [{ kind: 'status', status: 529 }, 'none', 'provider-error', 'status-529'],
  [{ kind: 'status', status: 429 }, 'none', 'provider-error', 'status-429'],
  [{ kind: 'status', status: 408 }, 'none', 'provider-error', 'status-408'],
  [{ kind: 'status', status: 409 }, 'none', 'provider-error', 'status-409'],
  [{ kind: 'status', status: 429, error: 'quota' }, 'none', 'provider-error', 'status-429'],
  [{ kind: 'status', status: 401 }, 'none', 'provider-error', 'status-401'],
  [{ kind: 'status', status: 403 }, 'none', 'provider-error', 'status-403'],
  [{ kind: 'status', status: 404 }, 'none', 'provider-error', 'status-404'],
  [{ kind: 'status', status: 502, error: 'bad-gateway' }, 'none', 'provider-error', 'status-502'],
  [{ kind: 'reset' }, 'estimate', 'provider-broken', 'provider-broken'],
  [{ kind: 'malformed', afterFrames: 0, form: 'garbage' }, 'estimate', 'provider-error', 'error-in-reply'],
  [{ kind: 'in-band-error', afterFrames: 1 }, 'estimate', 'provider-error', 'error-in-reply'],
  [{ kind: 'redirect', status: 302, location: 'http://127.0.0.1:9/' }, 'none', 'provider-failed', 'provider-failed'],
  [{ kind: 'compressed' }, 'estimate', 'provider-failed', 'provider-failed'],
];

describe.each([...STREAMS, ...WHOLES])('$endpoint, stream $isStream', (form) => {
  const [one, two] = NAMES[form.endpoint];

  test.each(HIDDEN)(
    'a first target with %j is replaced by the next one unseen',
    async (fault, certainty, outcome, reason) => {
      const stage = await startResilienceStage({ resilience: ONCE });
      stage.upstreams[0]?.script(fault);
      const seen = await stage.ask({ ...form, prompt: PROMPT });
      expect(seen.kind).toBe('right');
      expect(seen.headers.get('x-farthing-model')).toMatch(new RegExp(`^${two}/`));
      expect(stage.requests()).toEqual([1, 1]);
      const record = await stage.record();
      expect(record).toMatchObject({ status: 200, outcome: 'complete', attempts: 2 });
      expect(record.target).toMatch(new RegExp(`^${two}/`));
      expect(attemptsOf(record)).toEqual([`${one} failed ${reason}`, `${two} answered`]);
      expect(briefly(await stage.charges())).toEqual([`${one} ${certainty} ${outcome}`, `${two} exact complete`]);
      await expectMoneyOf(stage, record);
      expect((await stage.ask({ ...form, prompt: 'next' })).kind).toBe('right');
    },
  );
});

describe.each(STREAMS)('streams of $endpoint', (form) => {
  const [one, two] = NAMES[form.endpoint];

  test.each<readonly [string, UpstreamFault, string]>([
    ['says nothing', { kind: 'hang' }, 'estimate provider-timeout'],
    ['stalls before its first text', { kind: 'stall', after: { frames: 1 } }, 'estimate provider-timeout'],
    ['breaks before its first text', { kind: 'cut', after: { frames: 1 }, by: 'rst' }, 'estimate provider-broken'],
    ['ends before its first text', { kind: 'cut', after: { frames: 1 }, by: 'end' }, 'estimate provider-broken'],
  ])('one that %s is replaced unseen', async (_what, fault, charged) => {
    const stage = await startResilienceStage({ timeouts: { firstByteMs: 150, idleMs: 150 } });
    stage.upstreams[0]?.script(fault);
    const seen = await stage.ask({ ...form, prompt: PROMPT });
    expect(seen.kind).toBe('right');
    const record = await stage.record();
    const retried = charged.endsWith('broken');
    expect(stage.requests()).toEqual(retried ? [2, 0] : [1, 1]);
    expect(briefly(await stage.charges())).toEqual([`${one} ${charged}`, `${retried ? one : two} exact complete`]);
    await expectMoneyOf(stage, record);
  });
});

test.each(WHOLES)('a whole reply has the total time: a slow $endpoint is waited for', async (form) => {
  const stage = await startResilienceStage({ timeouts: { firstByteMs: 50, idleMs: 50, totalMs: 5000 } });
  stage.upstreams[0]?.script({ kind: 'slow', delayMs: 400 });
  expect((await stage.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
  expect(stage.requests()).toEqual([1, 0]);
});

test.each(WHOLES)(
  'a whole reply of $endpoint that comes too late is an error of ours, charged as an estimate',
  async (form) => {
    const [one] = NAMES[form.endpoint];
    const stage = await startResilienceStage({ timeouts: { totalMs: 200 } });
    stage.upstreams[0]?.setDown({ kind: 'hang' });
    const seen = await stage.ask({ ...form, prompt: PROMPT });
    expect(seen).toMatchObject({ kind: 'refused', status: 504 });
    expect(seen.headers.get('x-should-retry')).toBe('false');
    // The deadline is the call's: nothing is left for the next target.
    expect(stage.requests()).toEqual([1, 0]);
    expect(briefly(await stage.charges())).toEqual([`${one} estimate provider-timeout`]);
    await expectMoneyOf(stage, await stage.record());
  },
);

test.each(FORMS)(
  'where all targets fail the last failure is the answer of $endpoint, stream $isStream, and says not to try again',
  async (form) => {
    const stage = await startResilienceStage({ resilience: ONCE });
    stage.upstreams[0]?.setDown({ kind: 'status', status: 500 });
    stage.upstreams[1]?.setDown({ kind: 'status', status: 503 });
    const seen = await stage.ask({ ...form, prompt: PROMPT });
    expect(seen).toMatchObject({ kind: 'refused', status: 503 });
    expect(seen.headers.get('x-should-retry')).toBe('false');
    expect(stage.requests()).toEqual([1, 1]);
    expect(await stage.record()).toMatchObject({ outcome: 'provider-error', status: 503, target: undefined });
  },
);

test.each(FORMS)('a request that is wrong goes to one target only: $endpoint, stream $isStream', async (form) => {
  const stage = await startResilienceStage();
  stage.upstreams[0]?.script({ kind: 'status', status: 400, error: 'invalid-request' });
  const seen = await stage.ask({ ...form, prompt: PROMPT });
  expect(seen).toMatchObject({ kind: 'refused', status: 400 });
  expect(stage.requests()).toEqual([1, 0]);
});

test.each(FORMS)(
  'a content filter is passed on, or the next target asked where that is allowed: $endpoint, stream $isStream',
  async (form) => {
    const refusal = { kind: 'status', status: 400, error: 'content-filter' } as const;
    const strict = await startResilienceStage();
    strict.upstreams[0]?.script(refusal);
    const seen = await strict.ask({ ...form, prompt: PROMPT });
    expect(seen).toMatchObject({ kind: 'refused', status: 400, body: expect.stringMatching(/content|filter/) });
    expect(strict.requests()).toEqual([1, 0]);
    const lenient = await startResilienceStage({ resilience: { contentFilter: 'next' } });
    lenient.upstreams[0]?.script(refusal);
    expect((await lenient.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
    expect(lenient.requests()).toEqual([1, 1]);
  },
);
