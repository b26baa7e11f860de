import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Charge } from '../../src/core/model/charge.ts';
import { parseUsd } from '../../src/core/money.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { type Figures, figuresOf, hardBudget, makeCall } from './budget-calls.ts';
import { ledgerContents, sumOf } from './charges-of.ts';
import { type GatewayProcess, runCommand, startGatewayProcess } from './gateway-process.ts';
import { startPostgres } from './postgres-server.ts';
import { RedisServer } from './redis-server.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

const CALLERS = 16;
/** After so many calls a caller names another user; the budget of a user has room for fewer. */
const CALLS_OF_A_USER = 10;
const USER_LIMIT_USD = '0.0015';
const LIMIT_USD = '20';

/** What one round showed. */
export interface KillRound {
  /** Calls whose last byte reached the client before the kill. */
  readonly acknowledged: number;
  /** Charges at their upper bound, for calls that were under way. */
  readonly estimates: number;
  /** From the start of the process until it said that it is ready. */
  readonly restartMs: number;
  /** The processor time that this took, which a busy machine does not change; 0 where the system does not say. */
  readonly restartCpuMs: number;
}

/** Where killed gateways keep their money. */
export interface KillPlace {
  /** The `storage` of the configuration; undefined: a folder. */
  readonly storage: Readonly<Record<string, string>> | undefined;
  /** The ledger: an address of Postgres, or undefined where it is in the folder. */
  readonly ledger: string | undefined;
  close(): Promise<void>;
}

/** A data folder. */
export function folderPlace(): KillPlace {
  return { storage: undefined, ledger: undefined, close: () => Promise.resolve() };
}

/** A Redis and a Postgres of their own. */
export async function servicesPlace(): Promise<KillPlace> {
  const [redis, postgres] = await Promise.all([RedisServer.start(), startPostgres()]);
  const ledger = await postgres.createDatabase();
  return {
    storage: { redis: redis.url, postgres: ledger },
    ledger,
    close: async () => {
      await Promise.all([redis.close(), postgres.close()]);
    },
  };
}

/**
 * Loads a gateway that has hard budgets, kills it with SIGKILL after so many milliseconds, starts it again on the same data, and holds its ledger and
 * its counters against what clients and the provider saw; then the same again with the new one.
 */
export async function killRounds(
  { storage, ledger }: KillPlace,
  livesMs: readonly number[],
): Promise<readonly KillRound[]> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-kill-'));
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.02 });
  const settings = {
    budgets: [
      hardBudget(LIMIT_USD),
      { ...hardBudget(USER_LIMIT_USD), name: 'users', scope: 'tag:user', window: 'month' },
    ],
    ...(storage === undefined ? {} : { storage }),
    log: { level: 'silent' },
  };
  const start = (): Promise<GatewayProcess> => startGatewayProcess(folder, upstream.origin, { settings });
  const stage: Stage = { ledger: ledger ?? join(folder, 'data', 'ledger.db'), upstream, acknowledged: new Set() };
  let gateway = await start();
  const rounds: KillRound[] = [];
  try {
    for (const lifeMs of livesMs) {
      /* oxlint-disable no-await-in-loop -- one round after the other */
      const before = stage.acknowledged.size;
      await loadAndKill(gateway, lifeMs, stage, rounds.length);
      gateway = await start();
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
      const restart = { restartMs: gateway.startMs, restartCpuMs: cpuMs(gateway) };
      const estimates = await checkMoney(gateway, stage);
      rounds.push({ acknowledged: stage.acknowledged.size - before, estimates, ...restart });
      /* oxlint-enable no-await-in-loop */
    }
    expect(await runCommand('ledger', 'verify', '--config', gateway.config)).toMatchObject({ code: 0 });
    expect(await gateway.end('SIGTERM')).toBe(0);
    return rounds;
  } finally {
    await gateway.end('SIGKILL');
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly ledger: string;
  readonly upstream: SimulatedProvider;
  /** Ids of calls whose last byte reached the client, of all rounds. */
  readonly acknowledged: Set<string>;
}

async function loadAndKill(gateway: GatewayProcess, lifeMs: number, stage: Stage, round: number): Promise<void> {
  const callers = Array.from({ length: CALLERS }, (_, caller) =>
    callUntilDead(gateway, `${round}-${caller}`, stage.acknowledged),
  );
  await new Promise((resolve) => void setTimeout(resolve, lifeMs));
  expect(await gateway.end('SIGKILL')).toBe('SIGKILL');
  await Promise.all(callers);
}

async function callUntilDead({ url }: GatewayProcess, caller: string, acknowledged: Set<string>): Promise<void> {
  for (let number = 0; ; number += 1) {
    const user = `${caller}-${Math.floor(number / CALLS_OF_A_USER)}`;
    try {
      // oxlint-disable-next-line no-await-in-loop -- a caller makes one call after the other
      const end = await makeCall(url, {
        content: `question ${number} of caller ${caller}`,
        isStream: number % 2 === 1,
        headers: { 'x-farthing-tags': `user=${user}` },
      });
      if (end.isWhole) acknowledged.add(end.callId);
    } catch {
      return; // the gateway is dead
    }
  }
}

/** Holds ledger and counters against clients and provider. Says how many charges are estimates. */
async function checkMoney(gateway: GatewayProcess, { ledger, upstream, acknowledged }: Stage): Promise<number> {
  await expect.poll(() => upstream.counters().inFlight).toBe(0);
  const { charges, openIntents } = await ledgerContents(ledger);
  expect(openIntents).toEqual([]);
  const ids = charges.map((charge) => charge.chargeId);
  expect(new Set(ids).size).toBe(ids.length);
  const exact = charges.filter(({ certainty }) => certainty === 'exact');
  const charged = new Set(exact.map(({ callId }) => callId));
  expect([...acknowledged].filter((callId) => !charged.has(callId))).toEqual([]);
  // The provider has billed every exact charge, and nothing that it billed is missing: estimates are upper bounds.
  const { totalNanoUsd } = upstream.invoice();
  expect(sumOf(exact)).toBeLessThanOrEqual(totalNanoUsd);
  expect(sumOf(charges)).toBeGreaterThanOrEqual(totalNanoUsd);
  for (const [user, spent] of spentByUser(charges)) expect(spent, user).toBeLessThanOrEqual(parseUsd(USER_LIMIT_USD));
  const expected = { usedNanoUsd: Number(sumOf(charges)), heldNanoUsd: 0 };
  await expect.poll(() => bothOf(gateway), { timeout: 10_000 }).toMatchObject([expected, { heldNanoUsd: 0 }]);
  return charges.filter(({ outcome }) => outcome === 'owner-died').length;
}

function bothOf({ url }: GatewayProcess): Promise<readonly Figures[]> {
  return Promise.all([figuresOf(url), figuresOf(url, 'users')]);
}

function spentByUser(charges: readonly Charge[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { tags, amountNanoUsd } of charges) {
    const user = tags['user'] ?? '';
    sums.set(user, (sums.get(user) ?? 0) + (amountNanoUsd ?? 0));
  }
  return sums;
}

/** proc(5): user and system time of all threads are the 14th and 15th fields, in ticks of 10 ms. */
function cpuMs({ child }: GatewayProcess): number {
  const path = `/proc/${child.pid}/stat`;
  if (!existsSync(path)) return 0;
  const text = readFileSync(path, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Lives of random length, in milliseconds. */
export function randomLives(count: number, seed: number, leastMs: number, spreadMs: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return leastMs + (state % spreadMs);
  });
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
