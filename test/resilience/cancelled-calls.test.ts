import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { type FaultyUpstream, startFaultyUpstream } from '../../src/testing/faulty-upstream.ts';
import { ask, type AskedCall, FORMS } from '../support/asked-calls.ts';
import { CALM, startGatewayFace } from '../support/gateway-stack.ts';

const CLIENTS = 27 * FORMS.length;
const AT_A_TIME = 24;
/** Nobody stays for longer; answers take at least twice as long. */
const MAX_STAY_MS = 1000;
const MAX_NOTICE_MS = 1000;
const seed = Date.now() % 100_000;

interface Leaver extends AskedCall {
  /** From the start, or from the moment in which the provider has the call: on a busy machine that comes late. */
  readonly from: 'start' | 'arrival';
  readonly stayMs: number;
  leftAtMs: number;
}

function leavers(): readonly Leaver[] {
  const random = seededRandom(seed);
  return Array.from({ length: CLIENTS }, (_, index) => {
    const form = FORMS[index % FORMS.length] ?? { endpoint: 'chat' };
    const prompt = `${form.endpoint}: the question of client ${index}`;
    const from = random.fraction() < 0.2 ? 'start' : 'arrival';
    return { ...form, prompt, from, stayMs: random.fraction() * MAX_STAY_MS, leftAtMs: 0 };
  });
}

async function callAndLeave(baseUrl: string, upstream: FaultyUpstream, leaver: Leaver): Promise<void> {
  const leaving = new AbortController();
  const leave = async (): Promise<void> => {
    while (leaver.from === 'arrival' && upstream.asked(leaver.prompt) === 0) await sleep(5);
    await sleep(leaver.stayMs);
    leaver.leftAtMs = Date.now();
    leaving.abort();
  };
  void leave();
  // Before the head the call itself rejects, behind it the reader sees the stream break.
  const seen = await ask(baseUrl, { ...leaver, signal: leaving.signal }).catch(() => ({ kind: 'left' }));
  expect(['left', 'cut'], JSON.stringify(seen)).toContain(seen.kind);
}

async function callAll(baseUrl: string, upstream: FaultyUpstream, all: readonly Leaver[]): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let leaver = all[next++]; leaver !== undefined; leaver = all[next++])
      await callAndLeave(baseUrl, upstream, leaver);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, caller));
}

/** How long it took until the upstream noticed, for each call that had reached it; Infinity where it never did. */
function noticeMs(upstream: FaultyUpstream, all: readonly Leaver[]): readonly number[] {
  const departures = new Map(upstream.counters().departures.map(({ prompt, atMs }) => [prompt, atMs]));
  return all
    .filter(({ prompt }) => upstream.asked(prompt) > 0)
    .map(({ prompt, leftAtMs }) => (departures.get(prompt) ?? Infinity) - leftAtMs);
}

function isCharged({ endpoint, isEstimate, costNanoUsd }: CallRecord): boolean {
  return endpoint === 'count-tokens' ? costNanoUsd === 0 : isEstimate && (costNanoUsd ?? 0) > 0;
}

test(
  `of ${CLIENTS} clients that leave at random moments, whatever they asked, 99 % are noticed by the provider within a second, and each is charged an estimate (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    const upstream = await startFaultyUpstream({
      firstFrameMs: MAX_STAY_MS / 2,
      msPerFrame: MAX_STAY_MS / 6,
      // Their replies are too short to take long by their parts.
      faultOf: (prompt) =>
        /^(embeddings|count-tokens)/.test(prompt) ? { kind: 'slow', delayMs: 2 * MAX_STAY_MS } : undefined,
    });
    onTestFinished(() => upstream.close());
    const face = await startGatewayFace({
      origin: upstream.origin,
      mode: 'all',
      config: { auth: 'none', keys: [], limits: CALM },
    });
    const all = leavers();
    await callAll(face.anthropicBaseUrl, upstream, all);
    await expect.poll(() => upstream.counters().inFlight, { timeout: 10_000 }).toBe(0);

    const { requests, answered } = upstream.counters();
    expect(requests).toBeGreaterThanOrEqual(CLIENTS * 0.7);
    expect(answered).toBe(0);
    const late = noticeMs(upstream, all).filter((tookMs) => tookMs > MAX_NOTICE_MS);
    expect(late.length).toBeLessThanOrEqual(requests / 100);

    // An attempt whose request never left costs nothing; every one that the provider saw is charged.
    const charged = async (): Promise<readonly CallRecord[]> => (await face.records(1)).filter(isCharged);
    await expect.poll(async () => (await charged()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(requests);
    const records = await charged();
    expect(new Set(records.map(({ outcome }) => outcome))).toEqual(new Set(['client-left']));
    expect(new Set(records.map(({ endpoint }) => endpoint)).size).toBe(5);
  },
);
