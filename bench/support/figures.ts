import type { ScenarioName } from './scenario.ts';
import type { VariantName } from './bench-stack.ts';
import type { MachineNote } from './machine.ts';

/** One round of one scenario on one variant. */
export interface Sample {
  readonly scenario: ScenarioName;
  readonly variant: VariantName;
  readonly round: number;
  readonly cpuPerCallMicroseconds: number;
  readonly callsPerSecond: number;
}

/** Times of calls that came one at a time, in milliseconds. */
export interface LatencySample {
  readonly scenario: ScenarioName;
  readonly variant: VariantName;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Counting tokens, each figure of the class of text or the input that is worst at it. */
export interface TokenCounting {
  readonly cpuOfMegabyte: { readonly text: string; readonly ms: number };
  /** Of our CPU time to that of the quickest npm package. */
  readonly ratioToBestPackage: { readonly text: string; readonly ratio: number };
  readonly hostileMillion: { readonly text: string; readonly ms: number };
  readonly longestTurn: { readonly text: string; readonly ms: number };
  readonly loadMs: number;
}

/** Everything that a run measured. */
export interface BenchResult extends MachineNote {
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly samples: readonly Sample[];
  readonly latency: readonly LatencySample[];
  readonly residentMegabytes: Readonly<Partial<Record<VariantName, number>>>;
  readonly startMs: number;
  readonly keyAndHitMicroseconds: number;
  /** The body of a megabyte that kept the event loop longest at a time, and for how long. */
  readonly hostileBody: { readonly name: string; readonly heldMs: number };
  readonly tokenCounting: TokenCounting;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

/** One line of the table. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'x' | 'µs' | 'ms' | 'MB';
  /** The largest value that the design allows. Undefined: the design names none. */
  readonly bar: number | undefined;
  readonly isMet: boolean | undefined;
  readonly detail: string;
}

/** The middle value; of an even number the upper one. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

/** Median CPU of a call in microseconds. */
export function cpuOf(samples: readonly Sample[], scenario: ScenarioName, variant: VariantName): number {
  const found = samples.filter((sample) => sample.scenario === scenario && sample.variant === variant);
  return median(found.map((sample) => sample.cpuPerCallMicroseconds));
}

/**
 * The ratio of two variants: the median over the rounds of the ratio within a round, so that a machine that is slow for a while is slow
 * for both.
 */
export function ratioOf(
  samples: readonly Sample[],
  over: { readonly scenario: ScenarioName; readonly variant: VariantName },
  under: { readonly scenario: ScenarioName; readonly variant: VariantName },
): number {
  const of = (
    { scenario, variant }: { readonly scenario: ScenarioName; readonly variant: VariantName },
    round: number,
  ): number | undefined =>
    samples.find((sample) => sample.scenario === scenario && sample.variant === variant && sample.round === round)
      ?.cpuPerCallMicroseconds;
  const rounds = [...new Set(samples.map(({ round }) => round))];
  const ratios = rounds.map((round) => (of(over, round) ?? Number.NaN) / (of(under, round) ?? Number.NaN));
  return median(ratios.filter((ratio) => Number.isFinite(ratio)));
}

/** A figure against its bar. */
export function figure(
  name: string,
  value: number,
  unit: Figure['unit'],
  bar: number | undefined,
  detail: string,
): Figure {
  return { name, value, unit, bar, isMet: bar === undefined ? undefined : value <= bar, detail };
}

/** The table for people. */
export function figureTable(figures: readonly Figure[]): string {
  const lines = figures.map((row) => [
    row.name,
    withUnit(row.value, row.unit),
    row.bar === undefined ? '' : `<= ${withUnit(row.bar, row.unit)}`,
    row.isMet === undefined ? '' : row.isMet ? 'met' : 'MISSED',
    row.detail,
  ]);
  const rows = [['figure', 'measured', 'bar', '', 'detail'], ...lines];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function withUnit(value: number, unit: Figure['unit']): string {
  if (unit === 'x') return `${value.toFixed(2)} x`;
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}
