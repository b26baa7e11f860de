import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { expectedAnswer } from '../../src/testing/upstream/expected-answer.ts';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { askedRequest, FORMS } from '../support/asked-calls.ts';
import { type StreamingEndpoint, textStream } from '../support/continued-streams.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import {
  attemptsOf,
  briefly,
  expectMoneyOf,
  MODELS,
  type ResilienceStage,
  startResilienceStage,
} from '../support/resilience-stage.ts';

const PROMPT = 'tell me';
const STREAMS = FORMS.filter(({ isStream }) => isStream) as readonly {
  readonly endpoint: StreamingEndpoint;
  readonly isStream: boolean;
}[];
/** Behind the opening and two or more parts of the text, whatever the protocol opens with. */
const AFTER = { frames: 7 } as const;
const TIMES = { firstByteMs: 1000, idleMs: 150 } as const;
/** Each event by itself. */
const PACED = { msPerFrame: 5 } as const;

/** Faults after which a part of the answer has been relayed, and what each is charged as. */
const BREAKS: readonly (readonly [string, UpstreamFault, string])[] = [
  ['is reset', { kind: 'cut', after: AFTER, by: 'rst' }, 'provider-broken'],
  ['is closed', { kind: 'cut', after: AFTER, by: 'fin' }, 'provider-broken'],
  ['ends too early', { kind: 'cut', after: AFTER, by: 'end' }, 'provider-broken'],
  ['falls silent', { kind: 'stall', after: AFTER }, 'provider-timeout'],
  ['holds an error', { kind: 'in-band-error', afterFrames: 7 }, 'provider-error'],
  ['holds garbage', { kind: 'malformed', afterFrames: 7, form: 'garbage' }, 'provider-error'],
  ['holds half an event', { kind: 'malformed', afterFrames: 7, form: 'half' }, 'provider-error'],
];

function names(endpoint: Endpoint): readonly [string, string] {
  return endpoint === 'messages' ? ['one-claude', 'two-claude'] : ['one', 'two'];
}

async function textOf(stage: ResilienceStage, endpoint: StreamingEndpoint, prompt: string): Promise<string> {
  const [path, init] = askedRequest({ endpoint, prompt, isStream: true, model: MODELS[endpoint] });
  return (await stage.fetch(`http://stage${path}`, init)).text();
}

describe.each(STREAMS)('$endpoint', (form) => {
  const [one, two] = names(form.endpoint);

  test.each(BREAKS)(
    'a stream that %s ends with an error event by default, and is never tried again',
    async (_what, fault, outcome) => {
      const stage = await startResilienceStage({ upstream: PACED, timeouts: TIMES, cache: { mode: 'all' } });
      stage.upstreams[0]?.script(fault);
      const seen = await stage.ask({ ...form, prompt: PROMPT });
      expect(seen).toMatchObject({ kind: 'error-event' });
      expect(stage.requests()).toEqual([1, 0]);
      const record = await stage.record();
      expect(record.outcome).toBe(outcome === 'provider-error' ? 'provider-error' : 'broken');
      expect(record).toMatchObject({ attempts: 1, isEstimate: true, target: undefined });
      expect(briefly(await stage.charges())).toEqual([`${one} estimate ${outcome}`]);
      expect(record.costNanoUsd).toBeGreaterThan(0);
      await expectMoneyOf(stage, record);
      // Nothing of it is in the cache.
      expect((await stage.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
      expect(stage.requests()).toEqual([2, 0]);
    },
  );

  test.each(BREAKS)(
    'where answers are held until they are whole, one that %s is replaced unseen',
    async (_what, fault, outcome) => {
      const stage = await startResilienceStage({
        upstream: PACED,
        timeouts: TIMES,
        resilience: { midStream: 'buffer', retries: 0 },
      });
      stage.upstreams[0]?.script(fault);
      const seen = await stage.ask({ ...form, prompt: PROMPT });
      expect(seen.kind).toBe('right');
      expect(seen.headers.get('x-farthing-model')).toMatch(new RegExp(`^${two}/`));
      expect(stage.requests()).toEqual([1, 1]);
      expect(briefly(await stage.charges())).toEqual([`${one} estimate ${outcome}`, `${two} exact complete`]);
      await expectMoneyOf(stage, await stage.record());
    },
  );

  test.each(BREAKS)(
    'where the next target may go on, one that %s is one answer with one beginning and one end',
    async (_what, fault, outcome) => {
      const whole = expectedAnswer(PROMPT);
      const second = await startRawUpstream({ contentType: 'text/event-stream', body: Buffer.from('') });
      const stage = await startResilienceStage({
        upstream: PACED,
        timeouts: TIMES,
        resilience: { midStream: 'continue' },
        cache: { mode: 'all' },
        origins: [undefined, second.origin],
      });
      const parts = form.endpoint === 'chat' ? 6 : form.endpoint === 'responses' ? 3 : 4;
      const begun = whole.slice(0, [...expectedParts()].slice(0, parts).join('').length);
      second.reply = {
        contentType: 'text/event-stream',
        body: Buffer.from(textStream(form.endpoint, 'second', [whole.slice(begun.length, -40), whole.slice(-40)])),
      };
      stage.upstreams[0]?.script(fault);
      const seen = await stage.ask({ ...form, prompt: PROMPT });
      expect(seen.kind).toBe('right');
      expect(second.received).toHaveLength(1);
      expect(second.received[0]?.body.toString()).toContain(JSON.stringify(begun.trimEnd()).slice(1, -1));
      const record = await stage.record();
      expect(record).toMatchObject({ outcome: 'complete', attempts: 2, isEstimate: true });
      expect(attemptsOf(record)).toEqual([
        `${one} answered`,
        expect.stringMatching(`^${one} failed`),
        `${two} answered`,
      ]);
      expect(briefly(await stage.charges())).toEqual([`${one} estimate ${outcome}`, `${two} exact complete`]);
      await expectMoneyOf(stage, record);
      // What two have written is nobody's answer.
      const text = await textOf(stage, form.endpoint, PROMPT);
      expect(stage.upstreams[0]?.counters().requests).toBe(2);
      expect(text).not.toContain('second');
    },
  );

  test('an answer that two have written is not kept, for neither of them', async () => {
    const stage = await startResilienceStage({
      upstream: PACED,
      timeouts: TIMES,
      resilience: { midStream: 'continue', retries: 0 },
      cache: { mode: 'all' },
    });
    stage.upstreams[0]?.script({ kind: 'cut', after: AFTER, by: 'rst' });
    expect((await stage.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
    await expect.poll(() => stage.engine.inFlight()).toBe(0);
    stage.upstreams[0]?.setDown({ kind: 'status', status: 503 });
    expect((await stage.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
    expect(stage.requests()).toEqual([2, 2]);
  });

  test('a stream that breaks twice is gone on with twice', async () => {
    const stage = await startResilienceStage({
      targets: 3,
      upstream: PACED,
      timeouts: TIMES,
      resilience: { midStream: 'continue', retries: 0 },
    });
    stage.upstreams[0]?.script({ kind: 'cut', after: AFTER, by: 'rst' });
    stage.upstreams[1]?.script({ kind: 'cut', after: AFTER, by: 'rst' });
    expect((await stage.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
    expect(stage.requests()).toEqual([1, 1, 1]);
    const record = await stage.record();
    expect(record).toMatchObject({ outcome: 'complete', attempts: 3 });
    expect(record.target).toMatch(/^three/);
    await expectMoneyOf(stage, record);
  });

  test('a target that refuses to go on is passed over, and where none is left the stream ends with an error', async () => {
    const stage = await startResilienceStage({
      targets: 3,
      upstream: PACED,
      timeouts: TIMES,
      resilience: { midStream: 'continue', retries: 0 },
    });
    stage.upstreams[0]?.script({ kind: 'cut', after: AFTER, by: 'rst' }, 2);
    stage.upstreams[1]?.script({ kind: 'status', status: 400 }, 2);
    expect((await stage.ask({ ...form, prompt: PROMPT })).kind).toBe('right');
    expect(stage.requests()).toEqual([1, 1, 1]);
    stage.upstreams[2]?.script({ kind: 'status', status: 500 });
    expect((await stage.ask({ ...form, prompt: 'again' })).kind).toBe('error-event');
    expect(stage.requests()).toEqual([2, 2, 2]);
    await expect.poll(() => stage.records.length).toBe(2);
    expect(stage.records[1]).toMatchObject({ outcome: 'provider-error', target: undefined, attempts: 3 });
    // oxlint-disable-next-line no-await-in-loop
    for (const record of stage.records) await expectMoneyOf(stage, record);
  });

  test('a client that leaves while another target goes on ends that one, and both are charged', async () => {
    const stage = await startResilienceStage({ upstream: PACED, resilience: { midStream: 'continue' } });
    stage.upstreams[0]?.script({ kind: 'cut', after: AFTER, by: 'rst' });
    stage.upstreams[1]?.script({ kind: 'stall', after: AFTER });
    const leave = new AbortController();
    const asked = stage.ask({ ...form, prompt: PROMPT, signal: leave.signal }).catch(() => undefined);
    await expect.poll(() => stage.requests()).toEqual([1, 1]);
    leave.abort();
    await asked;
    await expect.poll(() => stage.upstreams[1]?.counters().departures.length).toBe(1);
    const record = await stage.record();
    expect(record).toMatchObject({ outcome: 'client-left', attempts: 2, target: undefined });
    expect(briefly(await stage.charges())).toEqual([`${one} estimate provider-broken`, `${two} estimate client-left`]);
    await expectMoneyOf(stage, record);
  });

  test('calls that share a stream share its continuation, and it is asked for once', async () => {
    const stage = await startResilienceStage({
      upstream: PACED,
      resilience: { midStream: 'continue' },
      cache: { mode: 'all' },
    });
    stage.upstreams[0]?.script({ kind: 'cut', after: AFTER, by: 'rst' });
    const seen = await Promise.all(Array.from({ length: 10 }, () => stage.ask({ ...form, prompt: PROMPT })));
    expect(seen.map(({ kind }) => kind)).toEqual(Array(10).fill('right'));
    expect(stage.requests()).toEqual([1, 1]);
  });

  test('a target that fell silent in the middle is not asked to go on', async () => {
    const stage = await startResilienceStage({
      upstream: PACED,
      timeouts: TIMES,
      resilience: { midStream: 'continue' },
    });
    stage.upstreams[0]?.script({ kind: 'stall', after: AFTER });
    stage.upstreams[1]?.setDown({ kind: 'status', status: 500 });
    const seen = await stage.ask({ ...form, prompt: PROMPT });
    expect(seen.kind).toBe('error-event');
    expect(stage.requests()[0]).toBe(1);
  });
});

test.each(['end', 'open'] as const)(
  'a chat stream whose finish reason came and whose [DONE] did not (%s) is whole, promptly, with the [DONE] supplied',
  async (ending) => {
    const stage = await startResilienceStage({ timeouts: { idleMs: 15_000, firstByteMs: 15_000 } });
    stage.upstreams[0]?.script({ kind: 'no-terminal', ending });
    const startedAt = Date.now();
    const text = await textOf(stage, 'chat', PROMPT);
    expect(Date.now() - startedAt).toBeLessThan(8000);
    expect(text.match(/\[DONE\]/g)).toHaveLength(1);
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(await stage.record()).toMatchObject({ outcome: 'complete', attempts: 1, isEstimate: false });
  },
);

test.each(['messages', 'responses'] as const)(
  'a stream of %s without its last event is not whole',
  async (endpoint) => {
    const stage = await startResilienceStage({ upstream: PACED });
    stage.upstreams[0]?.script({ kind: 'no-terminal', ending: 'end' });
    expect((await stage.ask({ endpoint, isStream: true, prompt: PROMPT })).kind).toBe('error-event');
    expect((await stage.record()).outcome).toBe('broken');
  },
);

function expectedParts(): readonly string[] {
  const whole = expectedAnswer(PROMPT);
  const parts: string[] = [];
  const bytes = Buffer.from(whole);
  for (let start = 0; start < bytes.byteLength; start += 24) parts.push(bytes.subarray(start, start + 24).toString());
  return parts;
}
