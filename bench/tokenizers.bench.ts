// Counting tokens: CPU against the npm packages on ordinary text, in one interleaved run; the worst inputs; load time, memory, longest turn.
// Run: npx -c 'node bench/tokenizers.bench.ts [--quick] [FILE]'
import { execFileSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import tiktokenizer from '@microsoft/tiktokenizer';
import { Tokenizer as AiTokenizer } from 'ai-tokenizer';
import * as aiVocabulary from 'ai-tokenizer/encoding/o200k_base';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { Tiktoken } from 'js-tiktoken/lite';
import { BytePairTokenizer } from '../src/tokenizers/byte-pair-tokenizer.ts';
import { loadTokenizer, readVocabulary } from '../src/tokenizers/load-tokenizer.ts';
import { rankTable } from '../test/support/rank-tables.ts';
import { compilerMessages } from '../test/support/token-texts.ts';
import { buildPackage } from './support/built-package.ts';
import type { TokenCounting } from './support/figures.ts';
import { machineNote } from './support/machine.ts';
import { rounded } from './support/quantile.ts';
import { HOSTILE_UNITS, tokenTextClasses } from './support/token-texts.ts';

const { values: options, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const ROUNDS = options.quick ? 3 : 9;
/** The reference is a hundred times slower than the others on some texts: it counts a part of each, once a round. */
const REFERENCE_UNITS = 5_000;
const SHORT_UNITS = 105;
const ENCODINGS = ['o200k_base', 'cl100k_base'];
const TIMES = 'times the best package';
const MILLION_CPU = 'CPU ms';
const LONGEST_TURN = 'longest turn, CPU ms';

type Tables = Readonly<Record<string, Readonly<Record<string, number | string>>>>;

type Count = (text: string) => number;

const machine = machineNote();
const ours = await loadTokenizer('o200k_base');
const reference = new Tiktoken(rankTable('o200k_base'));
const packages: Readonly<Record<string, Count>> = {
  'gpt-tokenizer': (text) => countTokens(text),
  'ai-tokenizer': aiCount(),
  '@microsoft/tiktokenizer': microsoftCount(),
};
const counters: Readonly<Record<string, Count>> = { farthing: (text) => ours.count(text), ...packages };

function aiCount(): Count {
  const tokenizer = new AiTokenizer(aiVocabulary);
  return (text) => tokenizer.count(text);
}

function microsoftCount(): Count {
  const ranks = createRequire(import.meta.url)
    .resolve('gpt-tokenizer')
    .replace(/\/(?:cjs|esm)\/.*$/, '/data/o200k_base.tiktoken');
  const { createTokenizer, getRegexByEncoder, getSpecialTokensByEncoder } = tiktokenizer;
  const tokenizer = createTokenizer(ranks, getSpecialTokensByEncoder('o200k_base'), getRegexByEncoder('o200k_base'));
  return (text) => tokenizer.encode(text).length;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** CPU of a call, the best of some rounds, all variants taking turns. */
function cpuOfEach(variants: Readonly<Record<string, () => unknown>>, rounds: number): Record<string, number> {
  const best: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(variants)) {
      const beganAt = cpuMs();
      run();
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, cpuMs() - beganAt);
    }
  }
  return best;
}

/** Megabytes of UTF-8 a second of CPU, all caches warm: ours keeps pieces, as theirs do. */
function ordinary(): Tables {
  const table: Record<string, Record<string, number | string>> = {};
  for (const [name, text] of Object.entries(tokenTextClasses())) {
    const megabytes = Buffer.byteLength(text) / 1e6;
    const counted = Object.fromEntries(
      Object.entries(counters).map(([counter, count]) => [counter, () => count(text)]),
    );
    const cpu = cpuOfEach(counted, ROUNDS);
    const part = text.slice(0, REFERENCE_UNITS);
    const slow = cpuOfEach({ slow: () => reference.encode(part, [], []) }, 2);
    const speeds = Object.entries(cpu).map(([counter, ms]) => [counter, rounded((megabytes / ms) * 1000, 1)] as const);
    const best = Math.max(...speeds.filter(([counter]) => counter !== 'farthing').map(([, speed]) => speed));
    const own = speeds.find(([counter]) => counter === 'farthing')?.[1] ?? Number.NaN;
    table[name] = {
      KB: Math.round(megabytes * 1000),
      ...Object.fromEntries(speeds),
      'js-tiktoken': rounded(Buffer.byteLength(part) / 1000 / (slow['slow'] ?? Number.NaN), 2),
      [TIMES]: rounded(own / best, 1),
      'same count in': Object.entries(packages)
        .filter(([, count]) => count(text) === ours.count(text))
        .map(([package_]) => package_)
        .join(', '),
    };
  }
  return table;
}

/** Megabytes a second over text that was never counted, by code that is warm: the second half of each class, after the first. */
async function firstSight(): Promise<Record<string, number>> {
  const vocabulary = await readVocabulary('o200k_base');
  const speeds: Record<string, number> = {};
  for (const [name, text] of Object.entries(tokenTextClasses())) {
    const half = text.slice(text.length / 2);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round += 1) {
      const fresh = new BytePairTokenizer(vocabulary);
      fresh.count(text.slice(0, text.length / 2));
      const beganAt = cpuMs();
      fresh.count(half);
      best = Math.min(best, cpuMs() - beganAt);
    }
    speeds[name] = rounded(Buffer.byteLength(half) / 1000 / best, 1);
  }
  return speeds;
}

/** CPU of a million characters, and of the longest turn while they are counted in turns, each the better of two: what the compiler does counts, too. */
async function hostile(): Promise<Tables> {
  const table: Record<string, Record<string, number>> = {};
  for (const [name, unit] of Object.entries(HOSTILE_UNITS)) {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const { count = 0 } = cpuOfEach({ count: () => ours.count(text) }, 2);
    const turns = [await longestTurnMs(text), await longestTurnMs(text)];
    table[name] = { [MILLION_CPU]: Math.round(count), [LONGEST_TURN]: rounded(Math.min(...turns), 1) };
  }
  return table;
}

async function longestTurnMs(text: string): Promise<number> {
  let longest = 0;
  let beganAt = cpuMs();
  let isCounting = true;
  const turn = (): void => {
    longest = Math.max(longest, cpuMs() - beganAt);
    beganAt = cpuMs();
    if (isCounting) setImmediate(turn);
  };
  setImmediate(turn);
  await ours.countInTurns(text);
  isCounting = false;
  return Math.max(longest, cpuMs() - beganAt);
}

/** Microseconds of CPU a call, by length of the text. */
function short(): Tables {
  const prose = compilerMessages('de');
  const table: Record<string, Record<string, number>> = {};
  for (const units of [SHORT_UNITS, 2000, 20_000]) {
    const text = prose.slice(0, units);
    const calls = Math.ceil(200_000 / units);
    const times = (count: Count) => (): void => {
      for (let call = 0; call < calls; call += 1) count(text);
    };
    const cpu = cpuOfEach(mapped(counters, times), ROUNDS);
    table[`${units} characters`] = mapped(cpu, (ms) => rounded((ms * 1000) / calls, 1));
  }
  return table;
}

function mapped<In, Out>(record: Readonly<Record<string, In>>, map: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

/** Wall time to load, and what it adds to memory; each in a process of its own, the best of some. */
function loading(): Tables {
  const module = `${buildPackage()}/tokenizers/load-tokenizer.js`;
  const script = new URL('support/token-load.ts', import.meta.url).pathname;
  return Object.fromEntries(
    ENCODINGS.map((encoding) => {
      const runs = Array.from(
        { length: ROUNDS },
        () =>
          JSON.parse(execFileSync(process.execPath, [script, module, encoding], { encoding: 'utf8' })) as Record<
            string,
            number
          >,
      );
      const least = (field: string): number => rounded(Math.min(...runs.map((run) => run[field] ?? Number.NaN)), 1);
      const { size } = statSync(new URL(`../src/tokenizers/generated/${encoding}.bin`, import.meta.url));
      return [
        encoding,
        {
          'file MB': rounded(size / 1e6, 1),
          'load ms': least('loadMs'),
          'first count ms': least('firstCountMs'),
          'RSS MB': least('rssMegabytes'),
        },
      ];
    }),
  );
}

/** The text of a table at which a figure is highest. */
function highest(
  table: Tables,
  figureOf: (row: Tables[string]) => number,
): { readonly text: string; readonly value: number } {
  const rows = Object.entries(table).map(([text, row]) => ({ text, value: figureOf(row) }));
  return rows.toSorted((left, right) => right.value - left.value)[0] ?? { text: '', value: Number.NaN };
}

const ordinaryText = ordinary();
const millions = await hostile();
const load = loading();
const slowest = highest(ordinaryText, (row) => 1000 / Number(row['farthing']));
const nearest = highest(ordinaryText, (row) => 1 / Number(row[TIMES]));
const dearest = highest(millions, (row) => Number(row[MILLION_CPU]));
const longest = highest(millions, (row) => Number(row[LONGEST_TURN]));
const worst: TokenCounting = {
  cpuOfMegabyte: { text: slowest.text, ms: rounded(slowest.value, 1) },
  ratioToBestPackage: { text: nearest.text, ratio: rounded(nearest.value) },
  hostileMillion: { text: dearest.text, ms: dearest.value },
  longestTurn: { text: longest.text, ms: longest.value },
  loadMs: Number(load['o200k_base']?.['load ms']),
};
const result = {
  ...machine,
  worst,
  ordinary: ordinaryText,
  firstSight: await firstSight(),
  short: short(),
  hostile: millions,
  loading: load,
};
console.log(
  `Node ${result.node}, ${result.cpus}, load before ${result.loadBefore.toFixed(1)}; CPU time, best of ${ROUNDS} rounds\n`,
);
console.log('Ordinary text, MB a second:');
console.table(result.ordinary);
console.log('Text that was not counted before, MB a second:');
console.table(result.firstSight);
console.log('Microseconds a call:');
console.table(result.short);
console.log('A million characters:');
console.table(result.hostile);
console.table(result.loading);
const ownFile = options.quick ? 'results/local-tokenizers.json' : 'results/tokenizers.json';
writeFileSync(positionals[0] ?? new URL(ownFile, import.meta.url), `${JSON.stringify(result, undefined, 2)}\n`);
