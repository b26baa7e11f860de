// Tokens that compression saves, by class of document and by transform, and what it costs in CPU.
// Run: npx -c 'node bench/compression.bench.ts [--quick]'
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { encode } from '@toon-format/toon';
import TurndownService from 'turndown';
import { compressText } from '../src/core/compress/compress-text.ts';
import type { Compression, CompressionLevel } from '../src/core/compress/compression.ts';
import { segmentText } from '../src/core/compress/segment-text.ts';
import { COMPRESSOR_VERSION } from '../src/core/compress/transforms.ts';
import { openHtmlToMarkdown } from '../src/engine/html-to-markdown.ts';
import { loadTokenizer } from '../src/tokenizers/load-tokenizer.ts';
import { Draw } from './support/corpora/draw.ts';
import { apiDocPage } from './support/corpora/html-corpora.ts';
import { apiReply, nestedRecords, records, toolSchemas } from './support/corpora/json-corpora.ts';
import { code, diff, log, ragContext, readme, systemPrompt } from './support/corpora/text-corpora.ts';
import { machineNote } from './support/machine.ts';
import { quantile, rounded } from './support/quantile.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const DOCUMENTS = options.quick ? 4 : 30;
const ROUNDS = options.quick ? 1 : 5;
const SEED = 20_240_501;
const LEVELS: readonly CompressionLevel[] = ['lossless', 'structural', 'light'];

const GENERATORS = {
  'API replies (pretty JSON)': apiReply,
  'tool schemas (pretty JSON)': toolSchemas,
  'uniform records': records,
  'records with objects, under a key': nestedRecords,
  'API pages (HTML)': apiDocPage,
  'system prompts': systemPrompt,
  READMEs: readme,
  passages: ragContext,
  logs: log,
  diffs: diff,
  Python: code,
} as const;

/** What the issue asks for, on ordinary documents of a class. */
const BARS: readonly {
  readonly figure: string;
  readonly corpus: string;
  readonly level: CompressionLevel;
  readonly bar: number;
}[] = [
  { figure: 'pretty JSON', corpus: 'API replies (pretty JSON)', level: 'lossless', bar: 19 },
  { figure: 'pretty JSON (schemas)', corpus: 'tool schemas (pretty JSON)', level: 'lossless', bar: 19 },
  { figure: 'uniform records', corpus: 'uniform records', level: 'structural', bar: 41 },
  { figure: 'HTML', corpus: 'API pages (HTML)', level: 'structural', bar: 44 },
];

const machine = machineNote();
const tokenizer = await loadTokenizer('o200k_base');
const htmlToMarkdown = await openHtmlToMarkdown();
const count = (text: string): number => tokenizer.count(text);
const compressed = (text: string, level: CompressionLevel): Compression =>
  compressText(text, { level, tools: { count, htmlToMarkdown } });

/** Generated classes, and texts that people wrote: READMEs of this checkout's development packages, and sources of this one. */
function corpora(): Readonly<Record<string, readonly string[]>> {
  const generated = Object.entries(GENERATORS).map(([name, make], index) => {
    const draw = new Draw(SEED + index);
    return [name, draw.many(DOCUMENTS, () => make(draw))] as const;
  });
  return Object.fromEntries([
    ...generated,
    ['READMEs of packages', read('node_modules/{[a-z]*,@*/*}/README.md')],
    ['sources of this package', read('src/core/*.ts')],
  ]);
}

function read(pattern: string): readonly string[] {
  const files = globSync(pattern).toSorted().slice(0, DOCUMENTS);
  return files.map((file) => readFileSync(file, 'utf8').slice(0, 40_000));
}

/** What other tools make of the same documents; undefined where they do not apply. */
const OTHERS: Readonly<Record<string, (text: string) => string>> = {
  'JSON.parse + JSON.stringify': (text) => JSON.stringify(JSON.parse(text)),
  '@toon-format/toon': (text) => encode(JSON.parse(text)),
  'turndown as it comes': (text) => new TurndownService().turndown(text),
};

function savedPercent(before: number, after: number): number {
  return rounded((1 - after / before) * 100, 2);
}

function rowOf(name: string, texts: readonly string[]): Readonly<Record<string, unknown>> {
  const before = texts.reduce((sum, text) => sum + count(text), 0);
  const byTransform = new Map<string, number>();
  const levels = Object.fromEntries(
    LEVELS.map((level) => {
      const results = texts.map((text) => compressed(text, level));
      for (const { transform, savedTokens } of level === 'light' ? results.flatMap(({ steps }) => steps) : []) {
        byTransform.set(transform, (byTransform.get(transform) ?? 0) + savedTokens);
      }
      return [
        level,
        savedPercent(
          before,
          results.reduce((sum, { tokensAfter }) => sum + tokensAfter, 0),
        ),
      ];
    }),
  );
  const others = Object.entries(OTHERS).flatMap(([tool, apply]) => {
    const isFor = tool.startsWith('turndown') ? name.includes('HTML') : /^[[{]/.test(texts[0] ?? '');
    return isFor
      ? [
          [
            tool,
            savedPercent(
              before,
              texts.reduce((sum, text) => sum + count(apply(text)), 0),
            ),
          ],
        ]
      : [];
  });
  const transforms = [...byTransform].map(([transform, saved]) => [transform, rounded((saved / before) * 100, 2)]);
  return {
    class: name,
    documents: texts.length,
    tokens: before,
    saved: levels,
    byTransform: Object.fromEntries(transforms) as Readonly<Record<string, number>>,
    others: Object.fromEntries(others) as Readonly<Record<string, number>>,
    microsecondsPerKb: cpuOf(texts),
  };
}

/** CPU of a KB (UTF-8), median of the rounds: counting once, segmenting, and each level with its counting. */
function cpuOf(texts: readonly string[]): Readonly<Record<string, number>> {
  const kilobytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1000;
  const works: Readonly<Record<string, (text: string) => unknown>> = {
    'count once': count,
    segment: segmentText,
    ...Object.fromEntries(LEVELS.map((level) => [level, (text: string) => compressed(text, level)])),
  };
  const samples = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      const start = process.cpuUsage();
      for (const text of texts) work(text);
      const { user, system } = process.cpuUsage(start);
      samples.set(name, [...(samples.get(name) ?? []), (user + system) / kilobytes]);
    }
  }
  return Object.fromEntries([...samples].map(([name, values]) => [name, rounded(quantile(values, 0.5), 1)]));
}

const rows = Object.entries(corpora()).map(([name, texts]) => rowOf(name, texts));
console.log(
  `Node ${machine.node}, ${machine.cpus}, load before ${machine.loadBefore}; ${DOCUMENTS} documents a class, o200k_base`,
);
console.log('\n% of tokens saved, all that a level includes; others: what other tools save on the same documents');
console.table(
  rows.map(({ class: name, tokens, saved, others }) => ({
    class: name,
    tokens,
    ...(saved as object),
    ...(others as object),
  })),
);
console.log('\n% of tokens saved by each transform at level light');
console.table(rows.map(({ class: name, byTransform }) => ({ class: name, ...(byTransform as object) })));
console.log('\nCPU, µs a KB');
console.table(rows.map(({ class: name, microsecondsPerKb }) => ({ class: name, ...(microsecondsPerKb as object) })));
const figures = BARS.map(({ figure, corpus, level, bar }) => {
  const row = rows.find(({ class: name }) => name === corpus);
  const saved = (row?.['saved'] as Readonly<Record<string, number>> | undefined)?.[level] ?? Number.NaN;
  return { figure, level, 'saved %': saved, 'bar %': bar, held: saved >= bar };
});
console.table(figures);
if (!options.quick) {
  const file = new URL('./results/compression.json', import.meta.url);
  writeFileSync(
    file,
    `${JSON.stringify({ ...machine, version: COMPRESSOR_VERSION, seed: SEED, figures, rows }, undefined, 2)}\n`,
  );
}
