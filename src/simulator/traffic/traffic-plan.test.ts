import { expect, test } from 'vitest';
import type { PlannedCall } from './planned-call.ts';
import { trafficPlan } from './traffic-plan.ts';
import { DAY_MS, PROJECT_NAMES, TRAFFIC_SHARES } from './traffic-parameters.ts';

const PLAN = trafficPlan(1, 3000);

function shareOf(matches: (call: PlannedCall) => boolean): number {
  return PLAN.filter(matches).length / PLAN.length;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((left, right) => left - right)[Math.floor(share * (values.length - 1))] ?? Number.NaN;
}

test('one seed is one plan, another seed another', () => {
  expect(trafficPlan(1, 3000)).toEqual(PLAN);
  expect(trafficPlan(2, 300).map((call) => call.body)).not.toEqual(trafficPlan(1, 300).map((call) => call.body));
});

test.each([1, 7, 50, 1234])('a plan of %i calls has exactly so many, in order, within the day', (calls) => {
  const plan = trafficPlan(3, calls);
  expect(plan).toHaveLength(calls);
  const times = plan.map((call) => call.atMs);
  expect(times).toEqual(times.toSorted((left, right) => left - right));
  expect(times.every((atMs) => atMs >= 0 && atMs < DAY_MS)).toBe(true);
});

test('each kind has its share, to one percent', () => {
  expect(Object.values(TRAFFIC_SHARES).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  for (const [kind, share] of Object.entries(TRAFFIC_SHARES)) {
    expect(Math.abs(shareOf((call) => call.kind === kind) - share)).toBeLessThan(0.01);
  }
});

test('both protocols, all metered endpoints, streamed and whole, every project', () => {
  const streamed = shareOf((call) => call.isStream);
  expect(streamed).toBeGreaterThan(0.45);
  expect(streamed).toBeLessThan(0.8);
  expect(shareOf((call) => call.endpoint === 'messages')).toBeGreaterThan(0.2);
  expect(shareOf((call) => call.endpoint === 'responses')).toBeGreaterThan(0.01);
  expect(new Set(PLAN.map((call) => call.projectIndex)).size).toBe(PROJECT_NAMES.length);
  expect(PLAN.every((call) => /^user=[\w-]+,feature=[\w-]+$/.test(call.headers['x-farthing-tags'] ?? ''))).toBe(true);
});

test('the day has busy and quiet hours', () => {
  const hours = Array.from({ length: 24 }, () => 0);
  for (const call of PLAN) {
    const hour = Math.floor((call.atMs / DAY_MS) * 24);
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  expect(hours).toHaveLength(24);
  expect(Math.max(...hours)).toBeGreaterThan(4 * Math.min(...hours));
});

test('prompts of conversations are as long as in the trace: median and 95th percentile within a factor of two', () => {
  const tokens = PLAN.filter((call) => call.kind.startsWith('chat-')).map((call) => Buffer.byteLength(call.body) / 4);
  expect(quantile(tokens, 0.5) / 1469).toBeGreaterThan(0.5);
  expect(quantile(tokens, 0.5) / 1469).toBeLessThan(2);
  expect(quantile(tokens, 0.95) / 7302).toBeGreaterThan(0.5);
  expect(quantile(tokens, 0.95) / 7302).toBeLessThan(2);
});

test('more than a third of the conversation calls extend an earlier one of their session, none comes before it', () => {
  const lengths = new Map<string, number>();
  let extending = 0;
  const conversations = PLAN.filter((call) => call.kind.startsWith('chat-'));
  for (const call of conversations) {
    const before = lengths.get(call.session ?? '');
    expect(call.body.length).toBeGreaterThan(before ?? 0);
    if (before !== undefined) extending += 1;
    lengths.set(call.session ?? '', call.body.length);
  }
  expect(extending / conversations.length).toBeGreaterThan(0.33);
});

test('questions repeat, duplicates come at one moment, and embedding batches overlap', () => {
  const questions = PLAN.filter((call) => call.kind === 'question');
  const distinct = new Set(questions.map((call) => call.body)).size;
  expect(1 - distinct / questions.length).toBeGreaterThan(0.4);
  const duplicates = PLAN.filter((call) => call.kind === 'duplicate');
  const bursts = new Set(duplicates.map((call) => call.body)).size;
  expect(new Set(duplicates.map((call) => `${call.atMs} ${call.body}`)).size).toBe(bursts);
  expect(duplicates.length / bursts).toBeGreaterThan(3);
  const items = PLAN.filter((call) => call.kind === 'embedding').flatMap(
    (call): string[] => JSON.parse(call.body).input,
  );
  expect(new Set(items).size / items.length).toBeLessThan(0.6);
});

test('calls of Anthropic agents mark the system prompt and the newest turn', () => {
  const agents = PLAN.filter((call) => call.kind === 'chat-anthropic');
  expect(agents.every((call) => call.body.split('"cache_control"').length === 3)).toBe(true);
});

test('only abandoned calls are abandoned, and they stream', () => {
  for (const call of PLAN) expect(call.abandonAfterMs === undefined).toBe(call.kind !== 'abandoned');
  expect(PLAN.filter((call) => call.kind === 'abandoned').every((call) => call.isStream)).toBe(true);
});
