import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import { marks, mixedDocument } from '../../../test/support/mixed-documents.ts';
import { applyEdits } from './apply-edits.ts';
import { compressText } from './compress-text.ts';
import type { CompressionLevel } from './compression.ts';
import { segmentText } from './segment-text.ts';

const LEVELS: readonly CompressionLevel[] = ['lossless', 'structural', 'light', 'extractive'];
const NO_SPECIAL = { disallowedSpecial: new Set<string>() };
const count = (text: string): number => countTokens(text, NO_SPECIAL);
const tools = { count, htmlToMarkdown: (html: string): string => html.replaceAll(/<[^>]*>/g, ' ') };
const texts = (): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: mixedDocument() }, marks(), fc.string({ unit: 'binary' }));

test('segments cover a text', () => {
  fc.assert(
    fc.property(texts(), (text) => {
      let end = 0;
      for (const segment of segmentText(text)) {
        expect(segment.start).toBe(end);
        expect(segment.end).toBeGreaterThan(segment.start);
        end = segment.end;
      }
      expect(end).toBe(text.length);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  );
});

test('a compressed text never has more tokens, gives itself, and is what its edits make', () => {
  fc.assert(
    fc.property(texts(), fc.constantFrom(...LEVELS), (text, level) => {
      const done = compressText(text, { level, tools });
      expect(done.tokensBefore).toBe(count(text));
      expect(done.tokensAfter).toBe(count(done.text));
      expect(done.tokensAfter).toBeLessThanOrEqual(done.tokensBefore);
      expect(compressText(done.text, { level, tools }).text).toBe(done.text);
      let made = text;
      for (const { edits } of done.steps) made = applyEdits(made, edits);
      expect(made).toBe(done.text);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  );
});
