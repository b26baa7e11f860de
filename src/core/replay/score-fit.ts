import { fitScore } from '../score/fit-score.ts';
import { scoreOf } from '../score/score-of.ts';
import type { ScoreFit } from './out-of-fold.ts';
import type { PairedRow } from './paired-rows.ts';

/**
 * Scores a row by its prompt, as `farthing routes train` would have learnt it from the other rows. A prompt that is not like theirs has no score (NaN), and so is
 * the first to go to the strong model.
 * @public
 */
export function scoreFit(rows: readonly PairedRow[], seed: number): ScoreFit {
  return (training) => {
    const pairs = training.flatMap((index) => {
      const row = rows[index];
      return row?.row.prompt === undefined
        ? []
        : [{ text: row.row.prompt, category: undefined, cheap: row.cheap.quality, strong: row.strong.quality }];
    });
    const parameters = fitScore(pairs, seed);
    return (index) => {
      const verdict = scoreOf({ parameters }, rows[index]?.row.prompt ?? '');
      return verdict.kind === 'score' ? verdict.score : Number.NaN;
    };
  };
}
