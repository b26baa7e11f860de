import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadTokenizer } from '../../../tokenizers/load-tokenizer.ts';
import { extractSentences, GAP_MARK } from './extract-sentences.ts';
import { edited } from './kept-edits.ts';
import { textUnits } from './text-units.ts';

const tokenizer = await loadTokenizer('o200k_base');
const count = (text: string): number => tokenizer.count(text);
const roughCount = (text: string): number => Math.ceil(text.length / 4);

const fence = '```ts\nconst answer = 42;\n\nexport { answer };\n```';
const json = '{"city": "Lyon", "people": [1, 2, {"name": "Ada. Lovelace. Yes."}]}';
const table = '| city | people |\n| --- | --- |\n| Lyon | 522250 |\n| Nice | 343477 |';
const stretch = fc.oneof(
  fc.constantFrom(
    'Lyon is a city in France. It has 522,250 people. The Rhône flows through it.',
    'Mr. Smith paid 3.5 dollars. Then he left!',
    'You must answer in French.',
    'Nice\nNice lies on the sea, and many people go there in the summer of each year.',
    '# Cities\n\n## Lyon',
    '- first item\n- second item. With two sentences.',
    '里昂是法国的一座城市。它有五十万人口。',
    'กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย มีประชากรมากที่สุด',
    '<document title="Lyon">\nThe text of it.\n</document>',
    fence,
    json,
    table,
    'Plain text\nwrapped by hand\nover lines',
  ),
  fc.lorem({ maxCount: 3, mode: 'sentences' }),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const mixedText = fc
  .array(fc.tuple(stretch, fc.constantFrom('\n\n', '\n', ' ', '\r\n\r\n')), { maxLength: 12 })
  .map((parts) => parts.flat().join(''));
const anyQuery = fc.oneof(
  fc.constantFrom('How many people has Lyon?', 'Who paid 3.5 dollars?', '里昂有多少人口？', '', '...'),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const asked = fc.record({
  text: mixedText,
  query: anyQuery,
  budgetTokens: fc.integer({ min: 0, max: 120 }),
  mark: fc.constantFrom(GAP_MARK, ''),
  count: fc.constantFrom(count, roughCount),
});

test('an extract never has more tokens than the budget or the text, and says how many it has', () => {
  fc.assert(
    fc.property(asked, ({ text, ...options }) => {
      const result = extractSentences(text, options);
      expect(result.tokensAfter).toBeLessThanOrEqual(result.tokensBefore);
      expect(result.tokensAfter).toBe(options.count(result.text));
      expect(result.tokensBefore).toBe(options.count(text));
      expect(result.tokensAfter).toBeLessThanOrEqual(Math.max(options.budgetTokens, 0));
    }),
    { numRuns: 300 },
  );
});

test('a text within the budget is returned as it is, and so an extract is extracted from once', () => {
  fc.assert(
    fc.property(asked, ({ text, ...options }) => {
      expect(extractSentences(text, { ...options, budgetTokens: options.count(text) })).toMatchObject({
        text,
        steps: [],
      });
      const once = extractSentences(text, options);
      expect(extractSentences(once.text, options).text).toBe(once.text);
    }),
  );
});

test('the same text gives the same extract', () => {
  fc.assert(
    fc.property(asked, ({ text, ...options }) => {
      expect(extractSentences(text, options)).toEqual(extractSentences(text, options));
    }),
  );
});

test('the edits applied to the text give the extract, and put in nothing but white space and the mark', () => {
  fc.assert(
    fc.property(asked, ({ text, ...options }) => {
      const { steps, text: extract } = extractSentences(text, options);
      const edits = steps.flatMap((step) => step.edits);
      expect(edited(text, edits)).toBe(extract);
      for (const edit of edits) expect(['', options.mark]).toContain(edit.text.trim());
    }),
  );
});

test('each unit is in the extract as a whole or not at all', () => {
  fc.assert(
    fc.property(asked, ({ text, ...options }) => {
      const edits = extractSentences(text, options).steps.flatMap((step) => step.edits);
      for (const { start, end } of textUnits(text).units) {
        const cutting = edits.filter((edit) => edit.start < end && edit.end > start);
        expect(cutting.every((edit) => edit.start <= start && edit.end >= end)).toBe(true);
      }
    }),
  );
});

const article = [
  'Lyon',
  'Lyon is a large city in the east of France. It has been known for its silk since the Renaissance. In 2021 it had 522,250 people. The Rhône and the Saône meet there.',
  '',
  'Nice',
  'Nice is a city on the sea in the south of France. Many people go there in the summer of the year. It has an airport on the coast.',
].join('\n');

test('what answers the question is kept with its title, in order, and gaps are marked', () => {
  const wanted = 'Lyon [...]\nIn 2021 it had 522,250 people.\n\n[...]';
  const options = { query: 'How many people had Lyon in 2021?', budgetTokens: count(wanted) + 2, count };
  expect(extractSentences(article, options).text).toBe(wanted);
});

test('a title before a colon is kept with what stands after it', () => {
  const text = `${article}\n\nGrenoble: It lies in the mountains. The Isère flows through it.`;
  const wanted = '[...]\n\nGrenoble: [...] The Isère flows through it.';
  const options = { query: 'Which city has the Isère?', budgetTokens: count(wanted), count };
  expect(extractSentences(text, options).text).toBe(wanted);
});

test('with an empty mark nothing stands where something was left out', () => {
  const options = { query: 'How many people had Lyon in 2021?', budgetTokens: 16, count, mark: '' };
  expect(extractSentences(article, options).text).toBe('Lyon\nIn 2021 it had 522,250 people.');
});

test.each([
  ['a fence', fence, 'export const answer'],
  ['JSON', json, 'Ada Lovelace'],
  ['a table', table, 'people 343477'],
])('%s that the question asks for is kept as it is', (_, block, query) => {
  const text = `${article}\n\n${block}\n\n${article}`;
  const result = extractSentences(text, { query, budgetTokens: count(block) + 6, count });
  expect(result.text).toContain(block);
});

test('instructions are kept whatever the question', () => {
  const text = `You must answer in French.\n\n${article}`;
  const result = extractSentences(text, { query: 'Where is the airport of Nice?', budgetTokens: 40, count });
  expect(result.text).toContain('You must answer in French.');
  expect(result.text).toContain('It has an airport on the coast.');
});

test('instructions take no more than half of the budget', () => {
  const text = `${'You must answer in French, politely and with care.\n\n'.repeat(20)}${article}`;
  const result = extractSentences(text, { query: 'Where is the airport of Nice?', budgetTokens: 60, count });
  expect(result.text).toContain('It has an airport on the coast.');
});

test('the best sentence with a number of the question is kept, however the number is grouped', () => {
  const filler = 'Silk of Lyon, the silk city: silk is made by weavers of silk. '.repeat(10);
  const text = `${filler}\n\nOther towns had 16.000 looms.\n\n${filler}`;
  const result = extractSentences(text, { query: 'Silk of Lyon silk city weavers 16,000', budgetTokens: 60, count });
  expect(result.text).toContain('16.000 looms');
});

test('what the caller pins is kept whatever the question', () => {
  const sentence = 'Many people go there in the summer of the year.';
  const start = article.indexOf(sentence);
  const pinned = [{ start: start + 3, end: start + 4 }];
  const result = extractSentences(article, { query: 'silk', budgetTokens: 22, count, pinned });
  expect(result.text).toContain(sentence);
});

test('a second hop finds the sentence that the best one leads to', () => {
  const text = [
    'Ada Example\nAda Example is a painter who was born in the town of Quxford in the year of the flood.',
    'Barville\nBarville is a town with a market and a mill, and its mayor is called John Doe by all.',
    'Quxford\nQuxford is a town with a bridge and a tower, and its river is called the Wend by all.',
  ].join('\n\n');
  const query = 'Where was the painter Ada Example born, and which river does that place have?';
  expect(extractSentences(text, { query: 'painter Ada Example birthplace', budgetTokens: 56, count }).text).toContain(
    'Wend',
  );
  expect(extractSentences(text, { query, budgetTokens: 56, count }).text).toContain('Wend');
});

test('a tag is kept with its closing tag, and Markdown headings with those above them', () => {
  const text = `<documents>\n<document title="Lyon">\n# France\n\n## Silk\n\nWeavers made silk there. They sold it.\n</document>\n<document title="Nice">\nIt lies on the sea.\n</document>\n</documents>`;
  const wanted = [
    '<documents>',
    '<document title="Lyon">',
    '# France',
    '## Silk',
    'Weavers made silk there.',
    '</document>',
    '</documents>',
  ];
  const budgetTokens = count(wanted.join('\n')) + 3;
  const { text: extract } = extractSentences(text, { query: 'Who made silk?', budgetTokens, count, mark: '' });
  expect(extract.split(/\n+/)).toEqual(wanted);
});

test.each([
  ['Thai', 'กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย ', 'แม่น้ำเจ้าพระยาไหลผ่านเมืองอยุธยา', 'แม่น้ำอะไรไหลผ่านอยุธยา'],
  ['Chinese', '北京是中华人民共和国的首都。', '长江流经武汉市。', '哪条河流经武汉？'],
  ['Khmer', 'ភ្នំពេញជារាជធានីនៃប្រទេសកម្ពុជា។ ', 'ទន្លេមេគង្គហូរកាត់ខេត្តក្រចេះ។ ', 'ទន្លេអ្វីហូរកាត់ក្រចេះ'],
  ['Russian', 'Москва является столицей России. ', 'Волга протекает через Казань. ', 'Какая река протекает в Казани?'],
  ['Arabic', 'القاهرة هي عاصمة مصر. ', 'نهر دجلة يمر عبر بغداد. ', 'أي نهر يمر عبر بغداد؟'],
])('%s: the sentence that shares the words of the question is kept', (_, filler, wanted, query) => {
  const text = filler.repeat(12) + wanted + filler.repeat(12);
  const result = extractSentences(text, { query, budgetTokens: Math.floor(count(text) / 3), count });
  expect(result.text).toContain(wanted.trim());
});

test.each([
  ['NaN', Number.NaN],
  ['a negative number', -5],
  ['nothing', 0],
])('under a budget of %s nothing is kept', (_, budgetTokens) => {
  expect(extractSentences(article, { query: 'Lyon', budgetTokens, count })).toMatchObject({ text: '', tokensAfter: 0 });
});
