import { addLoss, type LossTally, NO_LOSSES } from './loss-tally.ts';

/**
 * What is held to be so until the losses say otherwise.
 *
 * - `certify`: the mean loss is at least the limit; evidence grows while losses are below it.
 * - `alarm`: the mean loss is at most the limit; evidence grows while losses are above it.
 *
 * @internal
 */
export type LossSide = 'certify' | 'alarm';

/**
 * Bets as shares of the largest one that cannot ruin, and the part of the stake that each gets. Ours: about a factor of two apart, so that one of them
 * is near the best bet whatever the gap and the variance; most on the middle, since gaps that matter are about half of the variance. A bad guess costs
 * samples, never the guarantee. Few bets, as each one takes from the others.
 */
const BETS: readonly { readonly shareRatio: number; readonly partRatio: number }[] = [
  { shareRatio: 0.08, partRatio: 0.1 },
  { shareRatio: 0.2, partRatio: 0.25 },
  { shareRatio: 0.45, partRatio: 0.5 },
  { shareRatio: 0.8, partRatio: 0.15 },
];

/** Part of the stake that is bet from the first sample on; the rest waits. Ours: what a fresh process loses by it is 0.3 of a logarithm. */
const FIRST_PART_RATIO = 0.75;

/** How slowly what waits runs out: the smaller, the more is left for late samples, and the less for early ones. Ours. */
const WAITING_DECAY = 0.3;

/** After how many samples what waits begins to run out noticeably. Ours: how long a good past takes to stand in the way. */
const WAITING_SAMPLES = 64;

/** The part of the stake that waits after so many samples: falls from what is not bet at first to nothing. */
function waitingPart(samples: number): number {
  return (1 - FIRST_PART_RATIO) * (1 + samples / WAITING_SAMPLES) ** -WAITING_DECAY;
}

/** A running test of losses, as plain data. @internal */
export interface LossProcess {
  readonly tally: LossTally;
  /** For each bet the logarithm of what it has become. */
  readonly bets: readonly number[];
}

/** A running test that has seen nothing. @internal */
export const NEW_LOSS_PROCESS: LossProcess = {
  tally: NO_LOSSES,
  bets: BETS.map(({ partRatio }) => Math.log(FIRST_PART_RATIO * partRatio)),
};

/** Tests losses against a limit as they come. @internal */
export interface LossTest {
  /** Takes one more loss, from -1 to 1. */
  add(process: LossProcess, loss: number): LossProcess;
  /** The natural logarithm of the e-value. */
  evidence(process: LossProcess): number;
}

/**
 * A betting e-process of losses against a limit.
 *
 * Theorem (Ville 1939; for bounded means Waudby-Smith and Ramdas 2024). Let losses in [-1, 1] each have, given those before it, a mean of at least
 * `limit` (`certify`) or at most `limit` (`alarm`). For a fixed bet b in [0, 1/(1-limit)), or in (-1/(1+limit), 0], a factor 1 + b (limit - loss) is
 * positive and has a mean of at most 1. So what is bet, in whatever fixed parts, is together with what waits a supermartingale that starts at 1: the
 * chance that it ever reaches 1/alpha, however often one looks, is at most alpha.
 *
 * Part of the stake waits and flows into the bets by a schedule that is fixed beforehand. It is a start of its own with every sample, so that what was
 * long ago cannot hide what is now: after a long good past the first bets are worth next to nothing, but those of the last samples have lost nothing
 * yet. The theorem holds for all of them together, for ever.
 *
 * @param limit - the mean loss that is tested, from 0 to below 1.
 * @internal
 */
export function lossTest(side: LossSide, limit: number): LossTest {
  // The worst case is a loss of 1 when certifying and of -1 when alarming.
  const largestBet = side === 'certify' ? 1 / (1 - limit) : -1 / (1 + limit);
  return {
    add({ tally, bets }, loss) {
      const flowing = waitingPart(tally[0]) - waitingPart(tally[0] + 1);
      const grown = BETS.map(({ shareRatio, partRatio }, index) =>
        logSum([
          (bets[index] ?? -Infinity) + Math.log1p(shareRatio * largestBet * (limit - loss)),
          Math.log(partRatio * flowing),
        ]),
      );
      return { tally: addLoss(tally, loss), bets: grown };
    },
    evidence({ tally, bets }) {
      return logSum([Math.log(waitingPart(tally[0])), ...bets]);
    },
  };
}

/** The logarithm of the sum of numbers whose logarithms are given; the numbers themselves may be too large. */
function logSum(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - largest);
  return largest + Math.log(sum);
}
