import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitSentences } from './split-sentences.ts';
import { WholeSpans } from './whole-spans.ts';

function sentencesOf(text: string, wholes: WholeSpans = new WholeSpans()): readonly string[] {
  const found: string[] = [];
  splitSentences(text, 0, text.length, (start, end) => found.push(text.slice(start, end)), wholes);
  return found;
}

test.each([
  ['titles and initials', 'Mr. Smith met J. R. Doe. They spoke.', ['Mr. Smith met J. R. Doe.', 'They spoke.']],
  ['decimals and versions', 'It costs 3.5 dollars. Use v1.2.3 now.', ['It costs 3.5 dollars.', 'Use v1.2.3 now.']],
  ['German ordinals', 'Im 19. Jahrhundert begann es. Dann nicht.', ['Im 19. Jahrhundert begann es.', 'Dann nicht.']],
  ['closing marks', 'He said "No." She left.', ['He said "No."', 'She left.']],
  ['ideographic stops', '他来了。她走了！你呢？', ['他来了。', '她走了！', '你呢？']],
  ['a danda', 'वह आया। वह गया।', ['वह आया।', 'वह गया।']],
  ['a small letter after a stop', 'See e.g. this one. iPhones too', ['See e.g. this one. iPhones too']],
  ['items of a list', 'Steps:\n- one\n- two', ['Steps:', '- one', '- two']],
  ['wrapped lines', 'one\ntwo\nthree. Four', ['one\ntwo\nthree.', 'Four']],
])('%s', (_, text, expected) => {
  expect(sentencesOf(text)).toEqual(expected);
});

test('an over-long sentence is cut at a space, and never within what must stay whole', () => {
  expect(sentencesOf('word '.repeat(400)).every((sentence) => sentence.length <= 600)).toBe(true);
  const wholes = new WholeSpans();
  wholes.add(10, 900);
  const found: (readonly [number, number])[] = [];
  const text = 'x. Y '.repeat(300);
  splitSentences(text, 0, text.length, (start, end) => found.push([start, end]), wholes);
  for (const [start, end] of found) for (const border of [start, end]) expect(border > 10 && border < 900).toBe(false);
});

test('Thai without full stops is cut at spaces between clauses', () => {
  const clause = 'กรุงเทพมหานครเป็นเมืองหลวงและนครที่มีประชากรมากที่สุดของประเทศไทย ';
  expect(sentencesOf(clause.repeat(8)).length).toBeGreaterThan(2);
});

test('sentences are in order, apart, trimmed, and leave out nothing but white space', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      let end = 0;
      let between = '';
      const take = (from: number, to: number): void => {
        expect(from).toBeGreaterThanOrEqual(end);
        expect(to).toBeGreaterThan(from);
        between += text.slice(end, from);
        end = to;
      };
      splitSentences(text, 0, text.length, take, new WholeSpans());
      expect((between + text.slice(end)).trim()).toBe('');
    }),
  );
});
