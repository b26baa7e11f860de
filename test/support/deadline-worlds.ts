import { type NanoUsd, nanoUsd } from '../../src/core/money.ts';
import { seededChance } from './cache-traces.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A call that may be answered later. */
export interface DeadlineCall {
  readonly atMs: number;
  readonly deadlineAtMs: number;
  /** Asked in the usual way; a batch and flex cost half. */
  readonly liveNanoUsd: NanoUsd;
}

/** How a provider behaves in a simulated week. */
export interface DeadlineWorld {
  readonly name: string;
  /** How long a batch takes that is submitted then; infinite: it never comes back. */
  batchMs(submittedAtMs: number): number;
  /** Whether flex has no room then; undefined: the provider has no such tier. */
  readonly isFlexBusy: ((atMs: number, chance: () => number) => boolean) | undefined;
}

/** How long a simulated week is. */
const SPAN_MS = 7 * DAY_MS;

/** A normal deviate. */
function normal(chance: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
}

/** A length around a median, log-normal. */
function logNormal(chance: () => number, medianMs: number, deviation: number): number {
  return medianMs * Math.exp(deviation * normal(chance));
}

/** How long a live call takes: eight seconds, a hundredth of them a minute and more. */
export function liveCallMs(chance: () => number): number {
  return chance() < 0.01 ? logNormal(chance, 60_000, 0.3) : logNormal(chance, 8000, 0.6);
}

/** Calls over a week: one half at random times, the other in bursts of fifty that have one deadline; 5 minutes to a day, each doubling as probable. */
export function deadlineCalls(count: number, seed: number): readonly DeadlineCall[] {
  const chance = seededChance(seed);
  const length = (): number => 5 * MINUTE_MS * (24 * 12) ** chance();
  const calls: DeadlineCall[] = [];
  while (calls.length < count) {
    const atMs = Math.floor(chance() * SPAN_MS);
    const deadlineAtMs = atMs + Math.floor(length());
    const size = chance() < 0.02 ? 50 : 1;
    for (let index = 0; index < size && calls.length < count; index += 1) {
      const liveNanoUsd = nanoUsd(2 * Math.round(500_000 * Math.exp(normal(chance))));
      calls.push({ atMs: atMs + index * 100, deadlineAtMs: deadlineAtMs + index * 100, liveNanoUsd });
    }
  }
  return calls.toSorted((left, right) => left.atMs - right.atMs);
}

/** A world in which each minute has its length of batches, drawn once. */
function worldOf(
  name: string,
  lengthAt: (atMs: number, chance: () => number) => number,
  isFlexBusy?: DeadlineWorld['isFlexBusy'],
): DeadlineWorld {
  const chance = seededChance(name.length * 7919 + name.charCodeAt(0));
  const minutes = Array.from({ length: (SPAN_MS + 2 * DAY_MS) / MINUTE_MS }, (_minute, index) =>
    lengthAt(index * MINUTE_MS, chance),
  );
  return { name, isFlexBusy, batchMs: (atMs) => minutes[Math.floor(atMs / MINUTE_MS)] ?? Number.POSITIVE_INFINITY };
}

/** The worlds that plans are tried in. */
export const DEADLINE_WORLDS: readonly DeadlineWorld[] = [
  worldOf('20 minutes', (_atMs, chance) => logNormal(chance, 20 * MINUTE_MS, 0.5)),
  worldOf('2 hours', (_atMs, chance) => logNormal(chance, 2 * HOUR_MS, 0.8)),
  worldOf('10 hours', (_atMs, chance) => logNormal(chance, 10 * HOUR_MS, 0.5)),
  worldOf('20 minutes or 10 hours', (_atMs, chance) =>
    chance() < 0.7 ? logNormal(chance, 20 * MINUTE_MS, 0.3) : logNormal(chance, 10 * HOUR_MS, 0.3),
  ),
  worldOf('from 30 minutes to 8 hours', (atMs, chance) =>
    logNormal(chance, 30 * MINUTE_MS * 16 ** Math.min(1, atMs / SPAN_MS), 0.5),
  ),
  worldOf('2 hours, one day nothing', (atMs, chance) =>
    atMs >= 3 * DAY_MS && atMs < 4 * DAY_MS ? Number.POSITIVE_INFINITY : logNormal(chance, 2 * HOUR_MS, 0.5),
  ),
  worldOf('nothing ever comes back', () => Number.POSITIVE_INFINITY),
  worldOf(
    '2 hours, flex busy at a fifth',
    (_atMs, chance) => logNormal(chance, 2 * HOUR_MS, 0.8),
    (_atMs, chance) => chance() < 0.2,
  ),
  worldOf(
    '2 hours, flex busy by day',
    (_atMs, chance) => logNormal(chance, 2 * HOUR_MS, 0.8),
    (atMs, chance) => chance() < (atMs % DAY_MS < DAY_MS / 2 ? 0.95 : 0.05),
  ),
];
