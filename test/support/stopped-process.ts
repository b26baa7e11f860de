import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { Charge } from '../../src/core/model/charge.ts';
import { parseUsd } from '../../src/core/money.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { figuresOf, makeCall } from './budget-calls.ts';
import { settingsOf } from './budget-stage.ts';
import { ledgerContents, sumOf } from './charges-of.ts';
import type { KillPlace } from './gateway-kill-round.ts';
import { type GatewayProcess, runCommand, startGatewayProcess } from './gateway-process.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

const LIMIT_USD = '0.12';
const LIMIT = BigInt(parseUsd(LIMIT_USD));
/** Longer than the lease of 15 s. */
const STOP_MS = 17_000;
const CALLERS = 8;

/** Makes calls at one gateway until the budget is spent or it is told to stop; gives the ids of those that were answered. */
async function callUntil(url: string, name: string, isOver: () => boolean): Promise<readonly string[]> {
  const answered: string[] = [];
  for (let number = 0; !isOver(); number += 1) {
    /* oxlint-disable no-await-in-loop -- one call after the other */
    const end = await makeCall(url, {
      content: `question ${number} of ${name}, in detail`,
      isStream: number % 2 === 1,
      maxTokens: 100,
    });
    if (end.isWhole) answered.push(end.callId);
    if (end.status === 402) return answered;
    if (!end.isWhole) await new Promise((resolve) => void setTimeout(resolve, 100));
    /* oxlint-enable no-await-in-loop */
  }
  return answered;
}

function callers(url: string, name: string, isOver: () => boolean): Promise<readonly string[]> {
  const all = Array.from({ length: CALLERS }, (_, caller) => callUntil(url, `${name}${caller}`, isOver));
  return Promise.all(all).then((answered) => answered.flat());
}

/**
 * Stops a process. Where it stands in the midst of a write to a file, nobody else can write that until it goes on (the row `file-locked`): then it is stopped
 * again.
 */
async function stopBetweenWrites(stopped: GatewayProcess, other: GatewayProcess): Promise<void> {
  for (;;) {
    stopped.child.kill('SIGSTOP');
    for (let tries = 0; tries < 8; tries += 1) {
      /* oxlint-disable no-await-in-loop -- one try after the other */
      if ((await makeCall(other.url, { content: 'is the file free?', maxTokens: 1 })).status === 200) return;
      await new Promise((resolve) => void setTimeout(resolve, 250));
    }
    stopped.child.kill('SIGCONT');
    await new Promise((resolve) => void setTimeout(resolve, 100));
    /* oxlint-enable no-await-in-loop */
  }
}

/**
 * Two gateways: one stands still for longer than its lease, the other goes on until the budget is spent. When the first comes back nothing is spent twice
 * or beyond the limit.
 */
export async function stopPastLease(
  { expect, onTestFinished }: Pick<TestContext, 'expect' | 'onTestFinished'>,
  open: () => Promise<KillPlace>,
): Promise<void> {
  const place = await open();
  onTestFinished(() => place.close());
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.2 });
  onTestFinished(() => upstream.close());
  const folder = mkdtempSync(join(tmpdir(), 'farthing-stopped-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const storage = place.storage === undefined ? {} : { storage: place.storage };
  const settings = { ...settingsOf({ limitUsd: LIMIT_USD, budgetWaitMs: 500 }), ...storage };
  const ledger = place.ledger ?? join(folder, 'data', 'ledger.db');
  const stopped = await startGatewayProcess(folder, upstream.origin, { settings });
  const other = await startGatewayProcess(folder, upstream.origin, { settings });
  onTestFinished(async () => {
    await Promise.all([stopped.end('SIGKILL'), other.end('SIGKILL')]);
  });

  const stage = { isOver: false };
  const own = callers(stopped.url, 'the stopped', () => stage.isOver);
  await expect.poll(() => upstream.counters().requests, { timeout: 20_000 }).toBeGreaterThan(10);
  await stopBetweenWrites(stopped, other);
  await new Promise((resolve) => void setTimeout(resolve, STOP_MS));
  const before = upstream.counters().requests;
  // It is taken for dead by now: what it held is there for the other, but for what was under way.
  const others = await callers(other.url, 'the other', () => false);
  expect(upstream.counters().requests - before).toBeGreaterThan(20);
  expect(sumOf((await ledgerContents(ledger)).charges)).toBeLessThanOrEqual(LIMIT);
  stopped.child.kill('SIGCONT');
  const resumed = await own;
  stage.isOver = true;

  const { charges, openIntents } = await ledgerContents(ledger);
  expect(openIntents).toEqual([]);
  expect(new Set(charges.map(({ chargeId }) => chargeId)).size).toBe(charges.length);
  const { totalNanoUsd } = upstream.invoice();
  expect(totalNanoUsd).toBeLessThanOrEqual(LIMIT);
  expect(sumOf(charges)).toBeLessThanOrEqual(LIMIT);
  const corrections = new Map(charges.map((charge) => [charge.corrects, charge]));
  const inItsAbsence = charges.filter(({ outcome }) => outcome === 'owner-died');
  expect(inItsAbsence.filter(({ chargeId }) => !corrections.has(chargeId))).toEqual([]);
  // What stays an estimate was written to a connection that the provider had closed meanwhile: nobody knows whether it was billed.
  const isExact = ({ chargeId, corrects, certainty }: Charge): boolean =>
    (corrections.get(corrects ?? chargeId)?.certainty ?? certainty) === 'exact';
  expect(sumOf(charges.filter(isExact))).toBeLessThanOrEqual(totalNanoUsd);
  expect(sumOf(charges)).toBeGreaterThanOrEqual(totalNanoUsd);
  const charged = new Set(charges.map(({ callId }) => callId));
  expect([...others, ...resumed].filter((callId) => !charged.has(callId))).toEqual([]);
  expect(charges.filter(({ corrects }) => corrects !== undefined).length).toBeGreaterThan(0);
  await expect
    .poll(() => figuresOf(other.url), { timeout: 10_000 })
    .toMatchObject({ usedNanoUsd: Number(sumOf(charges)), heldNanoUsd: 0 });
  expect(await runCommand('ledger', 'verify', '--config', other.config)).toMatchObject({ code: 0 });
  for (const { url } of [stopped, other]) {
    // oxlint-disable-next-line no-await-in-loop -- each says that the money is spent
    expect((await makeCall(url, { content: 'once more', maxTokens: 4000 })).status).toBe(402);
  }
  expect(await stopped.end('SIGTERM')).toBe(0);
  expect(await other.end('SIGTERM')).toBe(0);
}
