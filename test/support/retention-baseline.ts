// The blend that extraction is measured against: BM25 over sentences and paragraphs with titles, neighbours, and a second hop.
import type { RetentionRecord } from './retention-record.ts';

/** A sentence that may be kept. */
interface BaselineUnit {
  readonly text: string;
  readonly title: string;
  readonly tokens: number;
  readonly section: number;
  readonly index: number;
}

/** A record's context as the baseline sees it: titles cost nothing, and nothing marks what is left out. */
export interface BaselineContext {
  readonly units: readonly BaselineUnit[];
  /** Tokens of all sentences; a ratio's budget is this by the ratio. */
  readonly tokens: number;
  readonly question: string;
  readonly sectionTexts: readonly string[];
}

/** Which of the prototype's two best methods. */
export type BaselineMethod = 'blend' | 'blend-hop';

const sentenceSegmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
const wordSegmenter = new Intl.Segmenter('zh', { granularity: 'word' });
const STOP_WORDS = new Set(
  'a an the of in on at to for by with and or is are was were be been has have had do does did what which who whom whose when where why how that this these those it its as from into than then there their his her he she they you i we not no'.split(
    ' ',
  ),
);
const CJK_OR_THAI = /[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]/;
const ENGLISH_SUFFIX = /(?:ational|ations|ation|ments|ment|ingly|ings|ing|edly|ies|ied|ed|es|s|ly)$/;

/** The terms of a text: words by the segmenter and pairs of characters for Chinese, Japanese and Thai, stemmed words for the rest. @internal */
export function searchTerms(text: string, isStemmed: boolean): readonly string[] {
  if (CJK_OR_THAI.test(text)) return segmentedTerms(text);
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const words = (plain.match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !STOP_WORDS.has(word));
  return isStemmed ? words.map((word) => (word.length > 4 ? word.replace(ENGLISH_SUFFIX, '') : word)) : words;
}

function segmentedTerms(text: string): readonly string[] {
  const terms: string[] = [];
  for (const { segment, isWordLike } of wordSegmenter.segment(text))
    if (isWordLike === true) terms.push(segment.toLowerCase());
  const characters = text.replace(/[^\u3400-\u9fff]/g, ' ');
  for (let index = 0; index + 1 < characters.length; index += 1)
    if (characters[index] !== ' ' && characters[index + 1] !== ' ') terms.push(characters.slice(index, index + 2));
  return terms;
}

function bm25(documents: readonly (readonly string[])[], query: readonly string[]): readonly number[] {
  const documentCounts = new Map<string, number>();
  const frequencies = documents.map((document) => {
    const counts = new Map<string, number>();
    for (const term of document) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const term of counts.keys()) documentCounts.set(term, (documentCounts.get(term) ?? 0) + 1);
    return counts;
  });
  const count = documents.length;
  const meanLength = documents.reduce((sum, { length }) => sum + length, 0) / (count === 0 ? 1 : count);
  const terms = [...new Set(query)];
  return documents.map(({ length }, index) => {
    let score = 0;
    for (const term of terms) {
      const frequency = frequencies[index]?.get(term);
      if (frequency === undefined) continue;
      const holders = documentCounts.get(term) ?? 0;
      const weight = Math.log(1 + (count - holders + 0.5) / (holders + 0.5));
      score += (weight * frequency * 2.2) / (frequency + 1.2 * (0.25 + (0.75 * length) / meanLength));
    }
    return score;
  });
}

/** Splits a record's passages into sentences and counts them. @internal */
export function baselineContext(record: RetentionRecord, count: (text: string) => number): BaselineContext {
  const units = record.sections.flatMap(({ title, text, sentences }, section) =>
    (sentences ?? sentencesOf(text)).map((sentence, index) => ({
      text: sentence,
      title,
      tokens: count(sentence),
      section,
      index,
    })),
  );
  return {
    units,
    tokens: units.reduce((sum, { tokens }) => sum + tokens, 0),
    question: record.question,
    sectionTexts: record.sections.map(({ title, text }) => `${title} ${text}`),
  };
}

function sentencesOf(text: string): readonly string[] {
  return [...sentenceSegmenter.segment(text)].map(({ segment }) => segment).filter((segment) => segment.trim() !== '');
}

/** What each sentence of the context is worth. @internal */
export function baselineScores(context: BaselineContext, method: BaselineMethod): readonly number[] {
  const { units } = context;
  const query = searchTerms(context.question, true);
  const unitTerms = units.map(({ title, text }) => searchTerms(`${title} ${text}`, true));
  const sections = bm25(
    context.sectionTexts.map((text) => searchTerms(text, true)),
    query,
  );
  const own = bm25(unitTerms, query);
  const near = (index: number, section: number): number => (units[index]?.section === section ? (own[index] ?? 0) : 0);
  const base = units.map(
    ({ section, index: place }, index) =>
      (own[index] ?? 0) +
      0.7 * (sections[section] ?? 0) +
      0.25 * (near(index - 1, section) + near(index + 1, section)) +
      (place === 0 ? 0.3 : 0),
  );
  return method === 'blend' ? base : hopScores(units, unitTerms, base, query);
}

/** Adds what sentences share with the names in the three best ones. */
function hopScores(
  units: readonly BaselineUnit[],
  unitTerms: readonly (readonly string[])[],
  base: readonly number[],
  query: readonly string[],
): readonly number[] {
  const best = base
    .map((score, index) => ({ score, index }))
    .toSorted((left, right) => right.score - left.score)
    .slice(0, 3);
  const names = best.flatMap(({ index }) => units[index]?.text.match(/\p{Lu}[\p{L}\p{N}]+/gu) ?? []);
  const terms = names.flatMap((name) => searchTerms(name, true)).filter((term) => !query.includes(term));
  const hops = bm25(unitTerms, [...new Set(terms)]);
  const maxHop = Math.max(...hops, 1e-9);
  const maxBase = Math.max(...base, 1e-9);
  return base.map((score, index) => score / maxBase + (0.25 * (hops[index] ?? 0)) / maxHop);
}

/** The kept sentences under a budget: greedily by score, whatever still fits. @internal */
export function baselineKept(
  context: BaselineContext,
  scores: readonly number[],
  budgetTokens: number,
): readonly string[] {
  const order = context.units.map((_, index) => index);
  order.sort((left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right);
  const kept = new Set<number>();
  let used = 0;
  for (const index of order) {
    const tokens = context.units[index]?.tokens ?? 0;
    if (used + tokens > budgetTokens) continue;
    kept.add(index);
    used += tokens;
  }
  return context.units.filter((_, index) => kept.has(index)).map(({ text }) => text);
}
