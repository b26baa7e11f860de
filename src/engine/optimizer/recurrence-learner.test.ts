import { expect, test } from 'vitest';
import type { RecurrenceSummary } from '../../core/prefix/recurrence-counts.ts';
import type { TargetPrefixes } from '../../middleware/prefix/target-prefixes.ts';
import { RecurrenceLearner } from './recurrence-learner.ts';

function summaryOf(size: number): RecurrenceSummary {
  const counts = Array.from({ length: size }, (_, index) => index + 0.123_456);
  return { version: 2, reused: counts, seen: counts };
}

function learner(targets: Readonly<Record<string, RecurrenceSummary>>): RecurrenceLearner {
  const prefixes = Object.entries(targets).map(
    ([target, summary]) => [target, { summary: () => summary } as unknown as TargetPrefixes] as const,
  );
  return new RecurrenceLearner(new Map(prefixes));
}

test('what is kept of many targets fits into one state', () => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`anthropic/claude-${index}`, summaryOf(500)]),
  );
  const kept = learner(many).snapshot();
  expect(JSON.stringify(kept).length).toBeLessThan(64_000);
  expect(Object.keys(kept)).toContain('anthropic/claude-39');
  expect(kept['anthropic/claude-39']?.reused[3]).toBe(3.123);
});

test('what this process learnt of a target stands, and what others learnt of other targets stays', () => {
  const one = learner({ 'a/x': summaryOf(3) });
  const merged = one.merge({ 'a/x': summaryOf(3) }, { 'a/x': summaryOf(9), 'b/y': summaryOf(2) });
  expect(merged['a/x']?.seen).toHaveLength(3);
  expect(merged['b/y']?.seen).toHaveLength(2);
  one.adopt(merged);
  expect(one.storedOf('b/y')?.seen).toHaveLength(2);
});
