import type { PairedRow } from './paired-rows.ts';

/** What an answer is worth and costs. @public */
export interface ReplayStep {
  /** 0 to 1. */
  readonly quality: number;
  /** Of all calls made for it. */
  readonly costUsd: number;
}

/** The two ways that a policy may go with a call, and the way it is measured against. @public */
export interface ReplayRow {
  /** The cheap answer is kept. */
  readonly kept: ReplayStep;
  /** The strong model answers; what was spent on the way there is in it. */
  readonly sent: ReplayStep;
  /** The strong model is asked at once. */
  readonly strong: ReplayStep;
}

/** Rows of a router: it asks one model or the other. @public */
export function routedRows(rows: readonly PairedRow[]): readonly ReplayRow[] {
  return rows.map(({ cheap, strong }) => ({ kept: stepOf(cheap), sent: stepOf(strong), strong: stepOf(strong) }));
}

/**
 * Rows of a cascade: the cheap model always answers, and the strong one on top of it where the answer is not kept.
 * @param checkCostUsd - what checking the answer of a row cost.
 * @public
 */
export function cascadeRows(
  rows: readonly PairedRow[],
  checkCostUsd: (row: PairedRow, index: number) => number = () => 0,
): readonly ReplayRow[] {
  return rows.map((row, index) => {
    const { cheap, strong } = row;
    const tried = cheap.costUsd + checkCostUsd(row, index);
    return {
      kept: { quality: cheap.quality, costUsd: tried },
      sent: { quality: strong.quality, costUsd: tried + strong.costUsd },
      strong: stepOf(strong),
    };
  });
}

function stepOf({ quality, costUsd }: ReplayStep): ReplayStep {
  return { quality, costUsd };
}
