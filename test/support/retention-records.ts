import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { searchTerms } from './retention-baseline.ts';
import type { RetentionRecord } from './retention-record.ts';
import { sharedData } from './shared-data.ts';

/** A data set as the prototype builds it. */
export interface RetentionDataset {
  readonly name: 'hotpotqa' | 'nq-20' | 'xquad-en' | 'xquad-de' | 'xquad-zh';
  readonly records: readonly RetentionRecord[];
}

const FOLDER = 'compression';
const NQ_DISTRACTORS = 19;
/** How many records of Natural Questions the prototype asks, and every how manieth of XQuAD. */
const NQ_RECORDS = 300;
const XQUAD_STEPS = { en: 3, de: 6, zh: 6 } as const;

/**
 * The data sets, with the prototype's records and its chance (one generator through all of them, in this order). With `all`, every record of
 * the files is asked.
 * @internal
 */
export function retentionDatasets(all = false): readonly RetentionDataset[] {
  const next = prototypeRandom();
  return [
    { name: 'hotpotqa', records: hotpotRecords() },
    { name: 'nq-20', records: naturalQuestionsRecords(next, all ? Infinity : NQ_RECORDS) },
    ...(['en', 'de', 'zh'] as const).map((language) => ({
      name: `xquad-${language}` as const,
      records: xquadRecords(language, next, all ? 1 : XQUAD_STEPS[language]),
    })),
  ];
}

/** Whether all files are there. @internal */
export function hasRetentionData(): boolean {
  const files = ['hotpot100.jsonl', 'nq_open_oracle.jsonl.gz', 'xquad.en.json', 'xquad.de.json', 'xquad.zh.json'];
  return files.every((file) => sharedData(FOLDER, file) !== undefined);
}

/** As answers are compared: case, width and white space do not matter. @internal */
export function comparable(text: string): string {
  return text.toLowerCase().normalize('NFKC').replace(/\s+/g, ' ').trim();
}

/** The prototype's linear congruential generator, with its loss of precision: other draws would be other distractors. */
function prototypeRandom(): () => number {
  let state = 42;
  return () => (state = (state * 1_103_515_245 + 12_345) & 0x7f_ff_ff_ff) / 0x7f_ff_ff_ff;
}

function isForTuning(line: string): boolean {
  return (createHash('sha256').update(line).digest()[0] ?? 0) % 2 === 0;
}

function readData(file: string): string {
  const path = sharedData(FOLDER, file);
  if (path === undefined) throw new Error(`${file} is not in the data folder`);
  const bytes = readFileSync(path);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

function linesOf(file: string): readonly string[] {
  return readData(file)
    .split('\n')
    .filter((line) => line !== '');
}

interface HotpotLine {
  readonly question: string;
  readonly answer: string;
  readonly supporting_facts: readonly (readonly [string, number])[];
  readonly context: readonly (readonly [string, readonly string[]])[];
}

function hotpotRecords(): readonly RetentionRecord[] {
  return linesOf('hotpot100.jsonl').map((line) => {
    const { question, answer, supporting_facts: facts, context } = JSON.parse(line) as HotpotLine;
    const sentencesOf = new Map(context);
    return {
      question,
      answers: /^(?:yes|no)$/i.test(answer) ? [] : [answer],
      sections: context.map(([title, sentences]) => ({ title, text: sentences.join(''), sentences })),
      supportingFacts: facts.flatMap(([title, index]) => sentencesOf.get(title)?.[index] ?? []),
      forTuning: isForTuning(line),
    };
  });
}

interface Passage {
  readonly title: string;
  readonly text: string;
}

interface NaturalQuestionsLine {
  readonly question: string;
  readonly answers: readonly string[];
  readonly ctxs: readonly [Passage, ...Passage[]];
}

/** The gold passage at a random place among those of other questions that share most with the question and do not hold the answer. */
function naturalQuestionsRecords(next: () => number, limit: number): readonly RetentionRecord[] {
  const lines = linesOf('nq_open_oracle.jsonl.gz');
  const parsed = lines.map((line) => JSON.parse(line) as NaturalQuestionsLine);
  const passages = parsed.map(({ ctxs }) => ctxs[0]);
  const comparableTexts = passages.map(({ text }) => comparable(text));
  const holders = new Map<string, number[]>();
  passages.forEach(({ title, text }, index) => {
    for (const term of new Set(searchTerms(`${title} ${text}`, true))) {
      const known = holders.get(term);
      if (known === undefined) holders.set(term, [index]);
      else known.push(index);
    }
  });
  return parsed.slice(0, limit).map(({ question, answers }, own) => {
    const scores = new Map<number, number>();
    for (const term of new Set(searchTerms(question, true))) {
      const found = holders.get(term) ?? [];
      const weight = Math.log(passages.length / found.length);
      for (const index of found) scores.set(index, (scores.get(index) ?? 0) + weight);
    }
    const gold = passages[own] as Passage;
    const wanted = answers.map(comparable);
    const chosen = [...scores]
      .toSorted(([, left], [, right]) => right - left)
      .filter(([index]) => index !== own && passages[index]?.text !== gold.text)
      .filter(([index]) => !wanted.some((answer) => comparableTexts[index]?.includes(answer)))
      .slice(0, NQ_DISTRACTORS)
      .map(([index]) => passages[index] as Passage);
    chosen.splice(Math.floor(next() * (NQ_DISTRACTORS + 1)), 0, gold);
    return {
      question,
      answers,
      sections: chosen.map(({ title, text }) => ({ title, text, sentences: undefined })),
      supportingFacts: [],
      forTuning: isForTuning(lines[own] as string),
    };
  });
}

interface XquadFile {
  readonly data: readonly {
    readonly paragraphs: readonly {
      readonly context: string;
      readonly qas: readonly { readonly question: string; readonly answers: readonly { readonly text: string }[] }[];
    }[];
  }[];
}

/** The article of the question and five paragraphs of others. A question's own JSON text stands for its line. */
function xquadRecords(language: 'en' | 'de' | 'zh', next: () => number, step: number): readonly RetentionRecord[] {
  const articles = (JSON.parse(readData(`xquad.${language}.json`)) as XquadFile).data;
  const paragraphs = articles.flatMap((article, index) =>
    article.paragraphs.map(({ context }) => ({ article: index, text: context })),
  );
  const asked = articles.flatMap((article, index) =>
    article.paragraphs.flatMap(({ qas }) => qas.map((question) => ({ article: index, question }))),
  );
  return asked
    .filter((_, index) => index % step === 0)
    .map(({ article, question }) => {
      const others: { readonly article: number; readonly text: string }[] = [];
      while (others.length < 5) {
        const drawn = paragraphs[Math.floor(next() * paragraphs.length)];
        if (drawn !== undefined && drawn.article !== article) others.push(drawn);
      }
      return {
        question: question.question,
        answers: question.answers.slice(0, 1).map(({ text }) => text),
        sections: [...paragraphs.filter((paragraph) => paragraph.article === article), ...others].map(({ text }) => ({
          title: '',
          text,
          sentences: undefined,
        })),
        supportingFacts: [],
        forTuning: isForTuning(JSON.stringify(question)),
      };
    });
}
