import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isGatewaySecret } from '../src/core/gateway-key.ts';
import { usageOf } from '../src/core/model/usage.ts';
import { nanoUsd } from '../src/core/money.ts';
import { systemClock, systemRandom } from '../src/engine/system-ports.ts';
import { keysPath, ledgerPath } from '../src/stores/sqlite/data-files.ts';
import { openSqliteKeyStore } from '../src/stores/sqlite/sqlite-key-store.ts';
import { openSqliteLedger, type SqliteLedger } from '../src/stores/sqlite/sqlite-ledger.ts';
import { sampleCallRecord, sampleCharge } from '../src/testing/sample-ledger-rows.ts';

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

let data: string;
let ledger: SqliteLedger;

/** Runs the command line as a user does: a process of its own, while this one has the ledger open. */
function farthingIn(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['src/cli/main.ts', ...words, '--data', folder],
      (_error, output, errors) => {
        resolve({ code: child.exitCode ?? -1, output, errors });
      },
    );
  });
}

function farthing(...words: readonly string[]): Promise<Outcome> {
  return farthingIn(data, ...words);
}

const secretIn = (output: string): string => output.split('\n').find((line) => isGatewaySecret(line)) ?? '';

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'commands-'));
  ledger = await openSqliteLedger({ path: ledgerPath(data), clock: systemClock, random: systemRandom });
  const atMs = Date.parse('2026-11-22T23:59:59.999Z');
  await ledger.charge([
    sampleCharge({ atMs, usage: usageOf({ input: 1_000, output: 30 }), amountNanoUsd: nanoUsd(1_234_567) }),
    sampleCharge({ chargeId: 'b.1', callId: 'b', atMs: atMs + 1, project: '=cmd()', certainty: 'estimate' }),
    sampleCharge({ chargeId: 'c.1', callId: 'c', atMs: atMs + 1, certainty: 'unpriced', amountNanoUsd: undefined }),
  ]);
  ledger.record(sampleCallRecord({ atMs, missedByMode: { mode: 'all', nanoUsd: nanoUsd(2_000_000) } }));
  ledger.record(sampleCallRecord({ callId: 'hit', atMs: atMs + 1, cacheStatus: 'hit' }));
  await ledger.flush();
});
afterAll(async () => {
  await ledger.close();
  rmSync(data, { recursive: true });
});

describe('report', () => {
  test('prints a line a day, the total, and what must be known about the figures', async () => {
    const { output, code } = await farthing('report', '--by', 'day');
    expect(code).toBe(0);
    const lines = output.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines[2]).toEqual([
      '2026-11-22',
      '1',
      '0',
      '0.0 %',
      '1000',
      '30',
      '0.001235',
      '0.000000',
      '0.000002',
      '0.000000',
      '0',
    ]);
    expect(lines[4]?.slice(0, 7)).toEqual(['total', '2', '1', '50.0 %', '1240', '90', '0.001236']);
    expect(output).toContain('Repeats not served because of the cache mode: $0.002000.');
    expect(output).toContain('are estimates');
    expect(output).toContain('1 charges have no known price');
  });

  test('gives exact amounts as JSON', async () => {
    const { output } = await farthing('report', '--by', 'tag:user', '--json', '--until', '2026-11-23');
    expect(JSON.parse(output)).toMatchObject({
      by: 'tag:user',
      rows: [{ group: 'alice', calls: 1, costUsd: '0.001234567' }],
      total: { costUsd: '0.001234567' },
    });
  });

  test('a wrong grouping or moment is one clear message and exit code 2', async () => {
    const grouping = await farthing('report', '--by', 'week');
    expect(grouping).toMatchObject({ code: 2 });
    expect(grouping.errors).toContain('Write day, model, project, key or tag:<name>.');
    expect(await farthing('report', '--from', 'yesterday')).toMatchObject({ code: 2 });
  });

  test('a folder without a ledger says what to do', async () => {
    const { code, errors } = await farthingIn(join(data, 'nothing'), 'report');
    expect(code).toBe(1);
    expect(errors).toContain('start the gateway once');
  });
});

describe('ledger', () => {
  test('lists the newest first, unknown amounts as unknown', async () => {
    const { output } = await farthing('ledger', 'list', '--limit', '2');
    const lines = output.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatch(/c\.1 .* unknown {2}unpriced/);
  });

  test('exports every charge as JSON lines, and calls on request', async () => {
    const { output } = await farthing('ledger', 'export', '--project', 'search');
    const charges = output
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(charges).toHaveLength(2);
    expect(charges[0]).toMatchObject({ chargeId: 'call_1.1', amountNanoUsd: 1_234_567 });
    const calls = await farthing('ledger', 'export', '--calls', '--format', 'csv');
    expect(calls.output.split('\n')[0]).toMatch(/^callId,at,project/);
    expect(calls.output.trimEnd().split('\n')).toHaveLength(3);
  });

  test('exports CSV that no spreadsheet runs', async () => {
    const { output } = await farthing('ledger', 'export', '--format', 'csv');
    expect(output.split('\n')[0]).toMatch(/^chargeId,callId,kind,at,project,/);
    expect(output).toContain(`,'=cmd(),`);
    expect(output).toContain(',0.001234567,');
  });
});

describe('keys', () => {
  test('are created, shown once, listed without their secret, rotated and revoked while others have the store open', async () => {
    const keys = await openSqliteKeyStore(keysPath(data));
    const words = [
      '--name',
      'laptop',
      '--project',
      'search',
      '--expires',
      '30d',
      '--models',
      'a, b',
      '--require',
      'feature',
      '--priority',
      'batch',
    ];
    const created = await farthing('keys', 'create', ...words, '--pin', 'user=alice', '--pin', 'team=a=b');
    const secret = secretIn(created.output);
    expect(isGatewaySecret(secret)).toBe(true);
    const [record] = await keys.list();
    expect(record).toMatchObject({
      name: 'laptop',
      project: 'search',
      allowedModels: ['a', 'b'],
      pinnedTags: { user: 'alice', team: 'a=b' },
      requiredTags: ['feature'],
      priority: 'batch',
    });
    const id = record?.keyId ?? '';

    const listed = await farthing('keys', 'list');
    expect(listed.output).toContain(id);
    expect(listed.output).toMatch(/feature .*batch/);
    expect(listed.output).not.toContain(secret.slice(3));

    const version = await keys.version();
    const rotated = await farthing('keys', 'rotate', id, '--grace', '1h');
    expect(isGatewaySecret(secretIn(rotated.output))).toBe(true);
    expect(secretIn(rotated.output)).not.toBe(secret);
    expect(await keys.version()).toBeGreaterThan(version);

    await farthing('keys', 'revoke', id);
    const revoked = (await keys.list()).find((key) => key.keyId === id);
    expect(revoked?.revokedAtMs).toBeLessThanOrEqual(Date.now());
    expect(await farthing('keys', 'rotate', id)).toMatchObject({ code: 1 });
    await keys.close();
  });

  test('an unknown id fails with 1, a secret given for an id with 2 and without repeating it', async () => {
    expect(await farthing('keys', 'revoke', 'key_nothing')).toMatchObject({ code: 1 });
    const secret = `fk-${'a'.repeat(43)}`;
    const { code, errors, output } = await farthing('keys', 'revoke', secret);
    expect(code).toBe(2);
    expect(errors + output).not.toContain(secret);
  });
});
