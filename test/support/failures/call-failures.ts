import type { Charge } from '../../../src/core/model/charge.ts';
import type { FaultyUpstream } from '../../../src/testing/faulty-upstream.ts';
import { type Figures, figuresOf, requestOf } from '../budget-calls.ts';
import { sumOf } from '../charges-of.ts';
import { startTroubledUpstream } from '../troubled-upstream.ts';
import { type FailureStage, type RowBody, type RowContext, startFailureStage } from './failure-stage.ts';

const SILENCE_MS = 300;

interface Troubled {
  readonly stage: FailureStage;
  readonly upstream: FaultyUpstream;
}

/** A gateway whose provider fails as prompts say. */
async function startTroubled(context: RowContext, silenceMs = 60_000): Promise<Troubled> {
  const upstream = await startTroubledUpstream();
  context.onTestFinished(() => upstream.close());
  const resilience = { firstByteTimeout: `${silenceMs}ms`, idleTimeout: `${silenceMs}ms` };
  return { upstream, stage: await startFailureStage(context, { origin: upstream.origin, settings: { resilience } }) };
}

/** Waits until nothing is held, and looks that each call was charged as an estimate, once. */
async function estimated({ expect }: RowContext, stage: FailureStage, count: number): Promise<readonly Charge[]> {
  const figures = (): Promise<Figures> => figuresOf(stage.gateways[0]?.url ?? '');
  await expect.poll(async () => (await figures()).usedNanoUsd, { timeout: 10_000 }).toBeGreaterThan(0);
  await expect.poll(figures, { timeout: 10_000 }).toMatchObject({ heldNanoUsd: 0 });
  const charges = await stage.charges();
  expect(charges.map(({ certainty }) => certainty)).toEqual(Array(count).fill('estimate'));
  expect((await figures()).usedNanoUsd).toBe(Number(sumOf(charges)));
  return charges;
}

const providerSilent: RowBody = async (context) => {
  const { expect } = context;
  const { stage } = await startTroubled(context, SILENCE_MS);
  const silent = await stage.hard(0, { content: 'silent', isStream: true });
  expect(silent.status).toBe(504);
  const stalled = await stage.hard(0, { content: 'stalled', isStream: true });
  expect([stalled.status, stalled.isWhole]).toEqual([200, false]);
  expect(stalled.text).toContain('"error"');
  await estimated(context, stage, 2);
  expect((await stage.hard(0, { content: 'whole' })).status).toBe(200);
};

/** Makes a call and leaves: once it has reached the provider, or once the first bytes have come back. */
async function leave(
  { expect }: RowContext,
  { stage, upstream }: Troubled,
  content: 'silent' | 'stalled',
): Promise<void> {
  const leaving = new AbortController();
  const [path, init] = requestOf({ content, isStream: true, signal: leaving.signal });
  const reply = fetch(`${stage.gateways[0]?.url}${path}`, init);
  if (content === 'stalled') await (await reply).body?.getReader().read();
  else await expect.poll(() => upstream.counters().inFlight, { timeout: 10_000 }).toBe(1);
  leaving.abort();
  await reply.catch(() => undefined);
  await expect.poll(() => upstream.counters().inFlight, { timeout: 10_000 }).toBe(0);
}

const clientGoneBefore: RowBody = async (context) => {
  const troubled = await startTroubled(context);
  await leave(context, troubled, 'silent');
  const [charge] = await estimated(context, troubled.stage, 1);
  context.expect(charge?.usage.output).toBe(0);
};

const clientGoneDuring: RowBody = async (context) => {
  const troubled = await startTroubled(context);
  await leave(context, troubled, 'stalled');
  const [charge] = await estimated(context, troubled.stage, 1);
  context.expect(charge?.usage.output).toBeGreaterThan(0);
};

/** Failures of one call. */
export const CALL_FAILURES: Readonly<Record<string, RowBody>> = {
  'provider-silent': providerSilent,
  'client-gone-before': clientGoneBefore,
  'client-gone-during': clientGoneDuring,
};
