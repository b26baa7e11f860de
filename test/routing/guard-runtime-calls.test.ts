import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { formatTarget } from '../../src/core/model/target.ts';
import { systemClock } from '../../src/engine/system-ports.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { openSqliteStateStore } from '../../src/stores/sqlite/sqlite-state-store.ts';
import { callers, GUARDED, GUARDED_CLAUDE, type GuardedStage, startGuardedStage } from '../support/guarded-stage.ts';
import { hardBudget } from '../support/resilience-stage.ts';
import type { Speech } from '../support/saying-provider.ts';

const CHEAP = formatTarget(GUARDED.cheap);
const STRONG = formatTarget(GUARDED.strong);

/** Models of which the cheap one is right with a chance that a test may change. */
function quality(rightRatio: number): { rightRatio: number; says: (model: string) => Speech } {
  const { fraction } = seededRandom(7);
  const models = {
    rightRatio,
    says: (model: string): Speech => {
      const isStrong = model === GUARDED.strong.model || model === GUARDED_CLAUDE.strong.model;
      return { text: isStrong || fraction() < models.rightRatio ? 'right' : 'wrong' };
    },
  };
  return models;
}

function kinds({ events }: GuardedStage): readonly string[] {
  return events.filter(({ kind }) => kind === 'route-certified' || kind === 'route-alarm').map(({ kind }) => kind);
}

function outcomes({ events }: GuardedStage): readonly string[] {
  return events.flatMap((event) => (event.kind === 'route-sampled' ? [event.outcome] : []));
}

function costOf(records: readonly CallRecord[]): number {
  return records.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0);
}

describe('a good cheap target', () => {
  test('is certified and answers; when it falls, the alarm brings the strong one back, and it may earn trust anew', async () => {
    const models = quality(0.99);
    const stage = await startGuardedStage({ says: models.says });
    const calibrating = await stage.ask(100);
    expect(calibrating[0]).toBe(STRONG);
    expect(calibrating.at(-1)).toBe(CHEAP);
    expect(kinds(stage)).toEqual(['route-certified']);
    expect(callers(stage.records).at(-1)?.route).toMatchObject({
      route: 'chat',
      reason: 'certified',
      calibration: expect.stringMatching(/^1\.\d+$/) as unknown,
    });

    models.rightRatio = 0.2;
    const falling = await stage.ask(60);
    expect(kinds(stage)).toEqual(['route-certified', 'route-alarm']);
    expect(falling.at(-1)).toBe(STRONG);
    expect(callers(stage.records).at(-1)?.route).toMatchObject({
      reason: 'alarm',
      calibration: expect.stringMatching(/^2\./) as unknown,
    });

    models.rightRatio = 0.99;
    expect((await stage.ask(150)).at(-1)).toBe(CHEAP);
  });

  test('that answers by streams, in the other protocol, is certified, too', async () => {
    const stage = await startGuardedStage({ says: quality(1).says });
    for (let index = 0; index < 70; index += 1) {
      const asked = {
        model: GUARDED_CLAUDE.strong.model,
        max_tokens: 50,
        messages: [{ role: 'user' as const, content: `q${index}` }],
      };
      await stage.anthropic.messages.stream(asked).finalMessage(); // oxlint-disable-line no-await-in-loop
      await stage.idle(); // oxlint-disable-line no-await-in-loop
    }
    expect(callers(stage.records).at(-1)?.target).toBe(formatTarget(GUARDED_CLAUDE.cheap));
    expect(stage.guard.standing('chat').certifiedIndex).toBeUndefined();
  });

  test('stays certified when the process starts again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'farthing-guard-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const openStore = () => openSqliteStateStore({ path: join(folder, 'states.db'), clock: systemClock });
    const store = await openStore();
    const first = await startGuardedStage({ says: quality(1).says, store });
    await first.ask(70);
    expect(first.guard.standing('chat').certifiedIndex).toBe(0);
    // Nothing is closed: the process has died, and another one opens what it has left.
    await expect
      .poll(() => store.read('route-guard/v1/chat/v1').then((stored) => stored?.value))
      .toContain('"samples":70');
    const left = await openStore();
    const second = await startGuardedStage({ says: quality(1).says, store: left });
    onTestFinished(async () => {
      await Promise.all([store.close(), left.close()]);
    });
    expect(await second.ask(1)).toEqual([CHEAP]);
  });
});

test('a bad cheap target is never certified, and no caller gets its answer', async () => {
  const stage = await startGuardedStage({ says: quality(0.5).says });
  const targets = await stage.ask(150);
  expect(new Set(targets)).toEqual(new Set([STRONG]));
  expect(kinds(stage)).toEqual([]);
  expect(outcomes(stage)).toHaveLength(150);
});

test('a cascade is certified as a whole, by what its checks let through', async () => {
  // Half of its answers are no JSON, and are caught; what is JSON is right.
  const { fraction } = seededRandom(3);
  const stage = await startGuardedStage({
    says: (model) => ({ text: model === GUARDED.strong.model || fraction() < 0.5 ? '{"a":1}' : 'oh no' }),
    route: { cascade: { verify: [{ kind: 'json', always: true }] } },
  });
  await stage.ask(120);
  expect(stage.guard.standing('chat').certifiedIndex).toBe(0);
  const last = callers(stage.records).slice(-30);
  expect(new Set(last.map(({ route }) => route?.reason))).toEqual(new Set(['cascade']));
  expect(new Set(last.map(({ target }) => target))).toEqual(new Set([CHEAP, STRONG]));
  expect(new Set(outcomes(stage))).toEqual(new Set(['judged']));
});

test('a judge is asked in both orders, on the account of whoever made the call', async () => {
  const judge = { provider: 'openai', model: 'gpt-5.4-mini' };
  const prompts: string[] = [];
  const stage = await startGuardedStage({
    says: (model, prompt) => {
      if (model !== judge.model) return { text: `${model} answers` };
      prompts.push(prompt);
      return { text: '{"better":"1"}' };
    },
    quality: { judge: { kind: 'model', target: judge, instructions: undefined } },
  });
  await stage.ask(3);
  expect(outcomes(stage)).toEqual(['judged', 'judged', 'judged']);
  expect(prompts).toHaveLength(6);
  const charges = await stage.charges();
  expect(charges.filter(({ kind }) => kind === 'judge')).toHaveLength(6);
  expect(new Set(charges.map(({ project }) => project))).toEqual(new Set(['default']));
  // It always prefers the first place: that is no preference.
  expect(stage.guard.statuses()[0]?.candidates[0]).toMatchObject({ samples: 3, meanLoss: 0 });
});

describe('money', () => {
  test('of all calls is what the ledger has; what the guard spends is told by kind, in its state, and in events', async () => {
    const models = quality(0.97);
    const stage = await startGuardedStage({ says: models.says });
    await stage.ask(90);
    models.rightRatio = 0.1;
    await stage.ask(50);
    const charges = await stage.charges();
    const sum = (kind?: string): number =>
      charges.reduce(
        (all, charge) => all + (kind === undefined || charge.kind === kind ? (charge.amountNanoUsd ?? 0) : 0),
        0,
      );
    expect(sum()).toBe(costOf(stage.records));
    expect(sum('shadow')).toBeGreaterThan(0);
    const told = stage.events.reduce((all, event) => all + (event.kind === 'route-sampled' ? event.costNanoUsd : 0), 0);
    expect(told).toBe(sum('shadow') + sum('judge'));
    const booked = stage.guard.statuses().reduce((all, { report }) => all + report.spentNanoUsd, 0);
    expect(booked).toBe(told);
    // A shadow has no baseline: all of it counts against what is saved.
    const own = stage.records.filter(({ route }) => route?.reason === 'opted-out');
    expect(own.every(({ costNanoUsd, savedNanoUsd }) => Number(savedNanoUsd) === 0 - Number(costNanoUsd))).toBe(true);
  });

  test('that a budget has left for callers alone buys no shadows, and calls go on', async () => {
    const stage = await startGuardedStage({
      says: quality(1).says,
      budgets: [hardBudget('0.0000001', { kind: 'model', name: CHEAP })],
    });
    expect(await stage.ask(5)).toEqual(Array.from({ length: 5 }, () => STRONG));
    expect(new Set(outcomes(stage))).toEqual(new Set(['budget-spent']));
    expect((await stage.charges()).filter(({ kind }) => kind === 'shadow')).toEqual([]);
    expect(stage.guard.statuses()[0]?.report).toMatchObject({ allSamples: 0, spentNanoUsd: 0 });
  });

  test('that is left is kept for callers: no shadow holds more than a tenth of it', async () => {
    const says = quality(1).says;
    // Without a limit of its own a call of the mini model may cost $0.58, one of the strong model $1.92.
    const route = { targets: [{ provider: 'openai', model: 'gpt-5.4-mini' }, GUARDED.strong] as const };
    const stage = await startGuardedStage({ says, route, budgets: [hardBudget('20')] });
    expect(await stage.ask(3)).toEqual([STRONG, STRONG, STRONG]);
    expect(new Set(outcomes(stage))).toEqual(new Set(['judged']));
    const tight = await startGuardedStage({ says, route, budgets: [hardBudget('4')] });
    expect(await tight.ask(3)).toEqual([STRONG, STRONG, STRONG]);
    expect(new Set(outcomes(tight))).toEqual(new Set(['budget-held']));
    expect(tight.events.filter(({ kind }) => kind === 'budget-refused')).toEqual([]);
  });

  test('is counted by the budget of a tag for shadows, too', async () => {
    const stage = await startGuardedStage({ says: quality(1).says });
    const messages = [{ role: 'user' as const, content: 'Who?' }];
    await stage.openai.chat.completions.create(
      { model: GUARDED.strong.model, messages },
      { headers: { 'x-farthing-tags': 'team=blue', 'x-farthing-session': 's1' } },
    );
    await stage.idle();
    const charges = await stage.charges();
    expect(charges.map(({ kind, tags }) => [kind, tags])).toEqual([
      ['call', { team: 'blue', session: 's1' }],
      ['shadow', { team: 'blue', session: 's1' }],
    ]);
  });
});

test('shadows use up none of what a project may ask for', async () => {
  const stage = await startGuardedStage({ says: quality(1).says, requestsPerMinute: 3 });
  expect(await stage.ask(4)).toEqual([STRONG, STRONG, STRONG, undefined]);
  expect(outcomes(stage)).toEqual(['judged', 'judged', 'judged']);
});

test('an answer out of the cache is not sampled, and a shadow fills no cache', async () => {
  const stage = await startGuardedStage({ says: quality(1).says, isCached: true });
  await stage.ask(4, () => 'the same');
  expect(outcomes(stage)).toEqual(['judged']);
  expect(stage.records.map(({ cacheStatus, target }) => [cacheStatus, target])).toEqual([
    ['miss', STRONG],
    ['bypass', CHEAP],
    ['hit', STRONG],
    ['hit', STRONG],
    ['hit', STRONG],
  ]);
});

test('a cheap target that fails gives no sample, and its failures harm no caller', async () => {
  const stage = await startGuardedStage({
    says: (model) => (model === GUARDED.strong.model ? { text: 'right' } : { status: 500 }),
  });
  expect(await stage.ask(3)).toEqual([STRONG, STRONG, STRONG]);
  expect(new Set(outcomes(stage))).toEqual(new Set(['provider-error']));
  expect(stage.guard.statuses()[0]?.report.allSamples).toBe(0);
});
