import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Compression } from './compression.ts';
import { segmentText } from './segment-text.ts';
import { type TruncationKeep, truncateToTokens } from './truncate-to-tokens.ts';

/** Some four letters, three digits, a run of space or one other character a token. */
function count(text: string): number {
  return text.match(/\p{L}{1,4}|\p{N}{1,3}|\s+|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
}

const KEEPS: readonly TruncationKeep[] = ['head', 'tail', 'both', 'relevant'];

function cut(text: string, maxTokens: number, keep: TruncationKeep, question?: string): string {
  return truncateToTokens(text, maxTokens, count, { keep, question, mark: '…' }).text;
}

test('a text within the limit is returned as it is', () => {
  expect(truncateToTokens('a b c', 5, count)).toEqual({ text: 'a b c', tokensBefore: 5, tokensAfter: 5, steps: [] });
});

test('the beginning, the end or both are kept, with a mark where something went', () => {
  const text = 'one two three four five six seven eight nine ten';
  expect(cut(text, 9, 'head')).toBe('one two three …');
  expect(cut(text, 8, 'tail')).toBe('… eight nine ten');
  expect(cut(text, 12, 'both')).toBe('one two … eight nine ten');
});

test('with a question the parts that share its words are kept, in their order', () => {
  const text =
    'Our shop opened in 1999. Refunds take five days. We sell tea. Ask for refunds at the desk. The weather is fine. Cats sleep a lot.';
  expect(cut(text, 30, 'relevant', 'How do I get refunds?')).toBe(
    '… Refunds take five days. … Ask for refunds at the desk. …',
  );
});

test('a fenced block is cut between lines and closed; its end is opened again', () => {
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
  const text = `Look:\n\n\`\`\`py\n${lines.join('\n')}\n\`\`\`\n`;
  expect(cut(text, 24, 'head')).toBe('Look:\n\n```py\nline 0\nline 1\n```\n…');
  expect(cut(text, 22, 'tail')).toBe('…\n```py\nline 38\nline 39\n```\n');
});

test('JSON, inline code, URLs and templates are kept or go as a whole, and what follows them is tried', () => {
  const json = JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id })));
  const text = `Before it.\n\n${json}\n\nAfter it.`;
  expect(cut(text, 20, 'head')).toBe('Before it.\n\n…\n\nAfter it.');
  expect(cut('Call `very_long_function_name(with, many, arguments)` now please', 7, 'head')).toBe('Call … now …');
});

test('table rows are whole', () => {
  const rows = Array.from({ length: 30 }, (_, index) => `| row ${index} | value ${index} |`);
  const text = `| a | b |\n|---|---|\n${rows.join('\n')}\n`;
  for (const keep of KEEPS) {
    for (const line of cut(text, 60, keep, 'row 7').split('\n')) expect([...text.split('\n'), '…']).toContain(line);
  }
});

test('a character is never cut: emoji with joiners, flags, marks, Hindi clusters', () => {
  const graphemes = ['👩‍👩‍👧‍👦', '🇩🇪', 'e\u0301\u0302', 'क्षि', '각', 'ö'];
  const text = Array.from({ length: 60 }, (_, index) => graphemes[index % graphemes.length]).join('');
  const whole = new Set([...new Intl.Segmenter('en').segment(text)].map(({ segment }) => segment));
  for (const keep of KEEPS) {
    for (let max = 2; max < 60; max += 3) {
      for (const { segment } of new Intl.Segmenter('en').segment(cut(text, max, keep, 'ö').replaceAll(/ ?… ?/gu, '\n')))
        expect([...whole, '\n']).toContain(segment);
    }
  }
});

test('no tokens at all leave nothing, and one token no more than one', () => {
  for (const keep of KEEPS) {
    expect(truncateToTokens('hello world again', 0, count, { keep }).text).toBe('');
    expect(truncateToTokens('hello world again', 1, count, { keep }).tokensAfter).toBeLessThanOrEqual(1);
    expect(truncateToTokens('hello world again', -5, count, { keep }).text).toBe('');
  }
});

const word = fc.constantFrom(
  'refund',
  'the',
  'order',
  '42',
  'Zürich',
  '東京都',
  '👍🏽',
  'naïve',
  'https://a.example/x?y=1',
  '`f(x)`',
  '{{name}}',
);
const line = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
const block = fc.oneof(
  line.map((text) => `${text}.`),
  fc.array(line, { minLength: 1, maxLength: 5 }).map((lines) => lines.map((text) => `- ${text}`).join('\n')),
  fc.array(line, { minLength: 3, maxLength: 9 }).map((lines) => `\`\`\`\n${lines.join('\n')}\n\`\`\``),
  fc
    .array(line, { minLength: 2, maxLength: 9 })
    .map((lines) => ['| a |', '|---|', ...lines.map((text) => `| ${text} |`)].join('\n')),
  fc.json({ maxDepth: 2 }).filter((json) => json.length > 2),
  line.map((text) => `# ${text}`),
);
const document = fc.array(block, { minLength: 1, maxLength: 8 }).map((blocks) => blocks.join('\n\n'));

function rebuilt(text: string, { steps }: Compression): string {
  let result = '';
  let from = 0;
  for (const edit of steps[0]?.edits ?? []) {
    result += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return result + text.slice(from);
}

describe('any text', () => {
  const counts: Readonly<Record<string, (text: string) => number>> = {
    pieces: count,
    characters: (text) => text.length,
    bytes: (text) => new TextEncoder().encode(text).length,
  };

  test('the result is within the limit, its edits applied to the text give it, and cutting again changes nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          document,
          fc.string({ unit: 'binary', maxLength: 120 }),
          fc.string({ unit: fc.constantFrom('a', '\ud800', '\udc00', '\n', '`', '\u0301', '['), maxLength: 200 }),
        ),
        fc.integer({ min: 0, max: 120 }),
        fc.constantFrom(...KEEPS),
        fc.constantFrom(...Object.keys(counts)),
        (text, maxTokens, keep, counted) => {
          const used = counts[counted] as (text: string) => number;
          const result = truncateToTokens(text, maxTokens, used, { keep, question: 'refund 42' });
          expect(result.tokensAfter).toBeLessThanOrEqual(Math.min(maxTokens, result.tokensBefore));
          expect(result.tokensAfter).toBe(used(result.text));
          expect(result.tokensBefore).toBe(used(text));
          expect(rebuilt(text, result)).toBe(result.text);
          expect(truncateToTokens(result.text, maxTokens, used, { keep, question: 'refund 42' }).text).toBe(
            result.text,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('in a document every URL, template, piece of inline code, JSON value and table row that is left is a whole one', () => {
    const solid = new Set(['url', 'template', 'inline-code', 'json', 'base64']);
    fc.assert(
      fc.property(document, fc.integer({ min: 4, max: 150 }), fc.constantFrom(...KEEPS), (text, maxTokens, keep) => {
        const result = truncateToTokens(text, maxTokens, count, { keep, question: 'refund 42', mark: '…' });
        for (const { start, end } of result.steps[0]?.edits ?? []) {
          for (const segment of segmentText(text)) {
            if (!solid.has(segment.kind)) continue;
            const isApart = end <= segment.start || start >= segment.end;
            expect(isApart || (start <= segment.start && end >= segment.end)).toBe(true);
          }
        }
        const rows = new Set(text.split('\n').filter((row) => row.startsWith('|')));
        for (const row of result.text.split('\n')) if (row.startsWith('|')) expect(rows).toContain(row);
        expect((result.text.match(/^```/gmu)?.length ?? 0) % 2).toBe(0);
      }),
    );
  });

  test('prose is cut as near to the limit as its characters allow', () => {
    const prose = fc.array(fc.constantFrom('refund', 'the', 'order', 'Zürich', 'naïve'), {
      minLength: 40,
      maxLength: 400,
    });
    fc.assert(
      fc.property(
        prose,
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        fc.constantFrom('head', 'tail', 'both'),
        (words, share, keep) => {
          const text = words.join(' ');
          const maxTokens = Math.floor(count(text) * share);
          const result = truncateToTokens(text, maxTokens, count, { keep: keep as TruncationKeep });
          expect(result.tokensAfter).toBeGreaterThanOrEqual(maxTokens - 2);
        },
      ),
    );
  });
});

test('a text is counted once as a whole, and then only what is about as long as the result', () => {
  const text = 'lorem ipsum dolor sit amet '.repeat(20_000);
  for (const keep of ['head', 'tail', 'both'] as const) {
    let characters = 0;
    truncateToTokens(
      text,
      1000,
      (part) => {
        characters += part.length;
        return count(part);
      },
      { keep },
    );
    expect(characters - text.length).toBeLessThan(20 * 2100);
  }
});

test.each([
  ['one letter', 'a'.repeat(200_000)],
  ['marks', `a${'\u0301'.repeat(100_000)}`],
  ['lone surrogates', '\ud83d'.repeat(100_000)],
  ['unclosed brackets', '['.repeat(100_000)],
  ['unclosed fence', `\`\`\`\n${'x\n'.repeat(60_000)}`],
  ['inline code in one line', '`a` b '.repeat(30_000)],
  ['flags', '🇩🇪'.repeat(30_000)],
])('a long text of %s is cut like any other', (_name, text) => {
  for (const keep of ['both', 'relevant'] as const) {
    const quick = (part: string): number => Math.ceil(part.length / 4);
    const { tokensAfter } = truncateToTokens(text, 500, quick, { keep, question: 'a b' });
    expect(tokensAfter).toBeLessThanOrEqual(500);
    expect(tokensAfter).toBeGreaterThan(0);
  }
});
