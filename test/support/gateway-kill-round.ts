import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Charge } from '../../src/core/model/charge.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { openSqliteLedger } from '../../src/stores/sqlite/sqlite-ledger.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

const CALLERS = 16;

/** What one round showed. */
export interface KillRound {
  /** Calls whose last byte reached the client before the kill. */
  readonly acknowledged: number;
  readonly estimates: number;
  readonly restartMs: number;
}

/**
 * Loads a gateway with distinct calls, kills it with SIGKILL after `lifeMs`, starts it again on the same folder, and holds the ledger against
 * what clients and the provider saw.
 */
export async function killRound(lifeMs: number): Promise<KillRound> {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-kill-'));
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.02 });
  try {
    const gateway = await startGatewayProcess(folder, upstream.origin);
    const acknowledged = new Set<string>();
    const callers = Array.from({ length: CALLERS }, (_, caller) => callUntilDead(gateway, caller, acknowledged));
    await new Promise((resolve) => void setTimeout(resolve, lifeMs));
    expect(await gateway.end('SIGKILL')).toBe('SIGKILL');
    await Promise.all(callers);
    const again = await startGatewayProcess(folder, upstream.origin);
    expect(await again.end('SIGTERM')).toBe(0);
    const charges = await chargesIn(join(folder, 'data', 'ledger.db'));
    const estimates = charges.filter((charge) => charge.outcome === 'owner-died');
    checkLedger(charges, acknowledged);
    const exact = charges.filter((charge) => charge.certainty === 'exact');
    expect(exact.length + estimates.length).toBeLessThanOrEqual(upstream.counters().requests + CALLERS);
    expect(sum(exact)).toBeLessThanOrEqual(upstream.invoice().totalNanoUsd);
    return { acknowledged: acknowledged.size, estimates: estimates.length, restartMs: again.startMs };
  } finally {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function callUntilDead(gateway: GatewayProcess, caller: number, acknowledged: Set<string>): Promise<void> {
  for (let number = 0; ; number += 1) {
    const isStream = number % 2 === 1;
    try {
      const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'gpt-5.4-mini',
          max_completion_tokens: 40,
          stream: isStream,
          messages: [{ role: 'user', content: `question ${number} of caller ${caller}` }],
        }),
      });
      const text = await reply.text();
      const isWhole = isStream ? text.includes('data: [DONE]') : text.trimEnd().endsWith('}');
      if (reply.status === 200 && isWhole) acknowledged.add(reply.headers.get('x-farthing-request-id') ?? '');
    } catch {
      return; // the gateway is dead
    }
  }
}

async function chargesIn(path: string): Promise<readonly Charge[]> {
  const ledger = await openSqliteLedger({ path, clock: systemClock, random: systemRandom });
  try {
    expect(await ledger.openIntents()).toEqual([]);
    const charges: Charge[] = [];
    for await (const charge of ledger.charges({})) charges.push(charge);
    return charges;
  } finally {
    await ledger.close();
  }
}

function checkLedger(charges: readonly Charge[], acknowledged: ReadonlySet<string>): void {
  const ids = charges.map((charge) => charge.chargeId);
  expect(new Set(ids).size).toBe(ids.length);
  const exact = new Set(charges.filter((charge) => charge.certainty === 'exact').map((charge) => charge.callId));
  const lost = [...acknowledged].filter((callId) => !exact.has(callId));
  expect(lost).toEqual([]);
}

function sum(charges: readonly Charge[]): bigint {
  return charges.reduce((total, charge) => total + BigInt(charge.amountNanoUsd ?? 0), 0n);
}
