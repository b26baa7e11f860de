/**
 * Variances of the loss that the bets are made for, and the part of the stake on each. Ours: answers differ in three to twenty-five of a hundred calls
 * where a cheap target is worth trying; a bad guess costs samples, never the guarantee.
 */
const BETS: readonly { readonly variance: number; readonly partRatio: number }[] = [
  { variance: 0.03, partRatio: 0.4 },
  { variance: 0.08, partRatio: 0.4 },
  { variance: 0.25, partRatio: 0.2 },
];

/** Largest bet, as a share of the one that could ruin. Ours. */
const LARGEST_SHARE_RATIO = 0.95;

/**
 * Whether a fixed number of losses of any size shows that their mean is below a limit, by bets that suit that number: what the bets are worth at the end,
 * in whatever order the losses come. Losses of -1, 0 and 1 alone are tested more sharply by `exactLossTest`.
 *
 * Theorem. Let losses in [-1, 1] each have, given those before it, a mean of at least `limit`. For a bet b in [0, 1/(1-limit)) that was fixed beforehand,
 * the product of 1 + b (limit - loss) is positive with a mean of at most 1, and so is a mixture of such products. By Markov's inequality it reaches
 * 1/alpha with a chance of at most alpha.
 *
 * @param samples - how many losses, fixed before they were seen.
 * @internal
 */
export function gradedLossTest(samples: number, limit: number, alpha: number): (losses: readonly number[]) => boolean {
  const bets = BETS.map(({ variance, partRatio }) => ({
    partRatio,
    // The bet that reaches 1 / alpha with the least gap between mean and limit, were the losses normal with this variance.
    bet: Math.min(Math.sqrt((2 * -Math.log(alpha)) / (samples * variance)), LARGEST_SHARE_RATIO / (1 - limit)),
  }));
  return (losses) => {
    let worth = 0;
    for (const { bet, partRatio } of bets) {
      worth += partRatio * Math.exp(losses.reduce((log, loss) => log + Math.log1p(bet * (limit - loss)), 0));
    }
    return worth >= 1 / alpha;
  };
}
