import { Vocabulary } from './extract/vocabulary.ts';

/** Texts are judged by so many characters of each end: what is longer is no better known by reading it all. */
const MAX_READ = 20_000;

/** BM25's usual constants (Robertson, "The Probabilistic Relevance Framework", 2009). */
const SATURATION = 1.2;
const LENGTH_WEIGHT = 0.75;

/**
 * How much each text has to do with a question, by the words that they share (BM25); 0 for none. Linear in the texts.
 * @public
 */
export function lexicalRelevance(texts: readonly string[], question: string): readonly number[] {
  const vocabulary = new Vocabulary();
  const asked = new Set(termsOf(vocabulary, question));
  const documents = texts.map((text) => termsOf(vocabulary, text));
  const mean = documents.reduce((total, { length }) => total + length, 0) / Math.max(1, documents.length);
  const frequencies = documents.map((terms) => counted(terms, asked));
  const holders = new Map<number, number>();
  for (const terms of frequencies) for (const term of terms.keys()) holders.set(term, (holders.get(term) ?? 0) + 1);
  return frequencies.map((terms, index) => {
    const length = (documents[index]?.length ?? 0) / Math.max(1, mean);
    let score = 0;
    for (const [term, times] of terms) {
      const held = holders.get(term) ?? 0;
      const rarity = Math.log(1 + (texts.length - held + 0.5) / (held + 0.5));
      score +=
        (rarity * times * (SATURATION + 1)) / (times + SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length));
    }
    return score;
  });
}

function termsOf(vocabulary: Vocabulary, text: string): readonly number[] {
  const terms: number[] = [];
  const isLong = text.length > 2 * MAX_READ;
  vocabulary.read(text, 0, isLong ? MAX_READ : text.length, terms);
  if (isLong) vocabulary.read(text, text.length - MAX_READ, text.length, terms);
  return terms.map((packed) => packed >>> 2);
}

function counted(terms: readonly number[], asked: ReadonlySet<number>): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const term of terms) if (asked.has(term)) times.set(term, (times.get(term) ?? 0) + 1);
  return times;
}
