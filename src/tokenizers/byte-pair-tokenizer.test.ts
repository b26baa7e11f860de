import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ODD_TEXTS } from '../../test/support/odd-texts.ts';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { expectSameTokens, oddText, tokenizerPairs } from '../../test/support/same-tokens.ts';
import {
  compilerMessages,
  MESSAGE_LANGUAGES,
  repositoryText,
  samplesOf,
  xquadText,
} from '../../test/support/token-texts.ts';

const pairs = await tokenizerPairs();
const expectSame = (texts: readonly string[]): void => expectSameTokens(pairs, texts);

test('texts in which tokenizers differ have the ids of js-tiktoken', () => {
  expectSame(ODD_TEXTS);
  expectSame([ODD_TEXTS.join('\n'), ODD_TEXTS.join(' '), ODD_TEXTS.join('')]);
});

test('any text has the ids of js-tiktoken', () => {
  fc.assert(
    fc.property(oddText(), (value) => expectSame([value])),
    { numRuns: 200 },
  );
});

test('any UTF-16, well formed or not, has the ids of js-tiktoken', () => {
  const units = fc.array(fc.oneof(fc.integer({ min: 0xd7_00, max: 0xe0_ff }), fc.integer({ min: 0, max: 0xff_ff })));
  fc.assert(
    fc.property(units, (codes) => expectSame([String.fromCharCode(...codes)])),
    { numRuns: 150 },
  );
});

test('source text and Markdown have the ids of js-tiktoken', () => {
  expectSame(samplesOf(repositoryText('src', '.ts'), 12, 1500));
  expectSame(samplesOf(repositoryText('docs', '.md'), 12, 1500));
  expectSame(samplesOf(repositoryText('docs', '.json'), 4, 1500));
});

test.each(MESSAGE_LANGUAGES)('prose in %s has the ids of js-tiktoken', (language) => {
  expectSame(samplesOf(compilerMessages(language), 3, 800));
});

test.skipIf(!hasData('compression'))('the paragraphs of XQuAD have the ids of js-tiktoken', () => {
  for (const language of ['en', 'de', 'zh'] as const) expectSame(samplesOf(xquadText(language) ?? '', 6, 800));
});

test.skipIf(!hasData('wire', 'openai.jsonl'))('recorded requests have the ids of js-tiktoken', () => {
  for (const provider of ['openai', 'anthropic', 'gemini']) {
    expectSame(samplesOf(readFileSync(sharedData('wire', `${provider}.jsonl`) ?? '', 'utf8'), 8, 1500));
  }
});

test('a half of a surrogate pair counts as U+FFFD, which is what it is sent as', () => {
  for (const { ours } of Object.values(pairs)) {
    expect(ours.encode('a\u{d800}b')).toEqual(ours.encode('a\u{fffd}b'));
    expect(ours.encode('\u{dc00}')).toEqual(ours.encode('\u{fffd}'));
  }
});

test('the name of a special token in a text is text', () => {
  for (const { ours } of Object.values(pairs)) expect(ours.encode('<|endoftext|>').length).toBeGreaterThan(3);
});

test('a text of any length is counted alike at once, in turns and by encoding it', async () => {
  const paragraph = `${ODD_TEXTS.join(' ')} ${compilerMessages('zh-cn').slice(0, 3000)} ${compilerMessages('ru').slice(0, 3000)}`;
  for (const { ours } of Object.values(pairs)) {
    for (const repeats of [1, 3, 40]) {
      const text = paragraph.repeat(repeats);
      const count = ours.count(text);
      expect(ours.encode(text)).toHaveLength(count);
      expect(await ours.countInTurns(text)).toBe(count);
    }
  }
});

/** A million characters each; where the count is plain, it stands beside. */
const MILLIONS: readonly (readonly [name: string, unit: string, unitsPerToken: number | undefined])[] = [
  ['one letter', 'a', 8],
  ['spaces', ' ', undefined],
  ['newlines', '\n', 16],
  ['one Chinese character', '的', 1],
  ['digits', '7', 3],
  ['one mark of punctuation', '!', 16],
  ['a combining mark', '\u{301}', 1],
  ['two letters in turn', 'ab', undefined],
  ['letters of both cases in turn', 'aB', undefined],
  ['emoji', '😀', undefined],
  ['hexadecimal', '0123456789abcdef', undefined],
  ['base64', 'SGVsbG8gd29ybGQhIFRoaXMgaXMgYmFzZTY0Lg', undefined],
  ['spaces and newlines in turn', ' \n', undefined],
  ['NUL', '\0', undefined],
];

test.each(MILLIONS)(
  'a million characters of %s take no longer than their number',
  async (_name, unit, unitsPerToken) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const count = await pairs.o200k_base.ours.countInTurns(text);
    if (unitsPerToken === undefined) expect(count).toBeLessThan(text.length);
    else expect(count).toBe(Math.ceil(text.length / unitsPerToken));
    expect(pairs.cl100k_base.ours.count(text.slice(0, 200_000))).toBeLessThanOrEqual(400_000);
  },
);

test('others have their turns while one unbroken word of a megabyte is counted', async () => {
  const { ours } = pairs.o200k_base;
  let turns = 0;
  let isCounting = true;
  const others = (): void => {
    turns += 1;
    if (isCounting) setImmediate(others);
  };
  setImmediate(others);
  await ours.countInTurns('x'.repeat(1_000_000));
  isCounting = false;
  expect(turns).toBeGreaterThanOrEqual(30);
});

test('counting in turns ends with the reason of its signal, before it begins and while it goes on', async () => {
  const { ours } = pairs.cl100k_base;
  const reason = new Error('no longer needed');
  await expect(ours.countInTurns('word', AbortSignal.abort(reason))).rejects.toBe(reason);
  for (const text of ['x'.repeat(3_000_000), 'word '.repeat(600_000)]) {
    const controller = new AbortController();
    const counted = vi.fn<(count: number) => void>();
    const counting = ours.countInTurns(text, controller.signal).then(counted);
    setImmediate(() => controller.abort(reason));
    await expect(counting).rejects.toBe(reason);
    expect(counted).not.toHaveBeenCalled();
  }
});

test('two texts counted in turns at a time do not disturb each other', async () => {
  const { ours } = pairs.o200k_base;
  const texts = ['ab'.repeat(200_000), `${'的'.repeat(100_000)}x`, 'word '.repeat(100_000), 'xyz'.repeat(150_000)];
  const alone = texts.map((text) => ours.count(text));
  const together = Promise.all(texts.map((text) => ours.countInTurns(text)));
  ours.count('between the turns '.repeat(1000));
  expect(await together).toEqual(alone);
});

test('what was counted before does not change a count', () => {
  const { ours } = pairs.o200k_base;
  const word = fc.string({ unit: fc.constantFrom('q', 'z', 'x', 'k', 'é', '的', '\0'), minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
      for (const text of [...words, ...words]) expect(ours.count(text)).toBe(ours.encode(text).length);
    }),
    { numRuns: 300 },
  );
});
