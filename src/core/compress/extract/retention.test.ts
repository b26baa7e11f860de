import { expect, test } from 'vitest';
import { baselineRetention, contextTokens, extractionRetention } from '../../../../test/support/retention-measure.ts';
import {
  hasRetentionData,
  type RetentionDataset,
  retentionDatasets,
} from '../../../../test/support/retention-records.ts';
import { loadTokenizer } from '../../../tokenizers/load-tokenizer.ts';
import { EXTRACTION_WEIGHTS } from './extraction-weights.ts';

/** Records a data set; the whole report is bench/retention.bench.ts. */
const RECORDS = 40;

/** HotpotQA has only few records; of the others those that nothing was tuned on. */
function sample({ name, records }: RetentionDataset): RetentionDataset['records'] {
  return records.filter(({ forTuning }) => name === 'hotpotqa' || !forTuning).slice(0, RECORDS);
}

test.skipIf(!hasRetentionData())(
  'answers and supporting sentences are kept at least as often as by the better baseline, and clearly more often on HotpotQA (data/compression)',
  async () => {
    const tokenizer = await loadTokenizer('o200k_base');
    const count = (text: string): number => tokenizer.count(text);
    for (const dataset of retentionDatasets()) {
      const sums = { blend: 0, 'blend-hop': 0, ours: 0 };
      for (const record of sample(dataset)) {
        const add = (key: keyof typeof sums, kept: ReturnType<typeof baselineRetention>): void => {
          for (const { answer, facts } of kept) sums[key] += (answer ?? 0) + (facts ?? 0);
        };
        add('blend', baselineRetention(record, 'blend', count));
        add('blend-hop', baselineRetention(record, 'blend-hop', count));
        add('ours', extractionRetention(record, contextTokens(record, count), count, { weights: EXTRACTION_WEIGHTS }));
      }
      const baseline = Math.max(sums.blend, sums['blend-hop']);
      expect(sums.ours, dataset.name).toBeGreaterThanOrEqual(dataset.name === 'hotpotqa' ? 1.05 * baseline : baseline);
    }
  },
  // Some five seconds of CPU, but test machines are shared.
  60_000,
);
