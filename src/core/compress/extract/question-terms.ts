import type { ExtractionWeights } from './extraction-weights.ts';
import type { ReadText } from './read-text.ts';
import { termOf } from './vocabulary.ts';

/** More terms than a question has; what comes after is not asked for. */
const MAX_QUESTION_TERMS = 64;
/** Shorter words are taken for one only if they are equal. */
const MIN_BEGINNING = 4;
/** The shortest word that is looked for within another, and the shortest that one is looked for in. */
const MIN_PART = 5;
const MIN_COMPOUND = 8;
/** Terms of scripts with letters begin below; pairs of characters are compared as they are. */
const FIRST_IDEOGRAPH = 0x2e_80;

/** What a question asks for. */
export interface QuestionTerms {
  /** What a term of the question weighs, beside its rarity. */
  readonly weights: Float64Array;
  /** For each term of the text the one of the question that it is a form of, -1 for none. */
  readonly questionTermOf: Int16Array;
  /** How surely, 0..1. */
  readonly likeness: Float64Array;
}

/** The terms of the question without its stop words (with them, where it has no others), and the text's terms that are forms of them. */
export function questionTerms(read: ReadText, weights: ExtractionWeights): QuestionTerms {
  const { terms, isStop, questionWords } = read;
  const all = [...new Set(questionWords.map(termOf))];
  const telling = all.filter((term) => isStop[term] === 0);
  const asked = (telling.length > 0 ? telling : all).slice(0, MAX_QUESTION_TERMS);
  const questionTermOf = new Int16Array(terms.length).fill(-1);
  const likeness = new Float64Array(terms.length);
  asked.forEach((term, index) => {
    questionTermOf[term] = index;
    likeness[term] = 1;
  });
  const compared = asked.flatMap((term, index) => {
    const text = terms[term] as string;
    return isCompared(text) ? [{ index, text }] : [];
  });
  terms.forEach((text, term) => {
    if (questionTermOf[term] !== -1 || isStop[term] === 1 || !isCompared(text)) return;
    for (const other of compared) {
      const alike = likenessOf(text, other.text, weights);
      if (alike <= (likeness[term] as number)) continue;
      likeness[term] = alike;
      questionTermOf[term] = other.index;
    }
  });
  const numeric = weights.queryNumber;
  return {
    weights: Float64Array.from(asked, (term) => (/\d/.test(terms[term] as string) ? numeric : 1)),
    questionTermOf,
    likeness,
  };
}

function isCompared(term: string): boolean {
  const first = term.charCodeAt(0);
  return term.length >= MIN_BEGINNING && first < FIRST_IDEOGRAPH && !(first >= 48 && first <= 57);
}

/** How surely two words are forms of one: by their common beginning, or because one is part of the other. */
function likenessOf(left: string, right: string, weights: ExtractionWeights): number {
  const shorter = left.length < right.length ? left : right;
  const longer = left.length < right.length ? right : left;
  let common = 0;
  while (common < shorter.length && shorter.charCodeAt(common) === longer.charCodeAt(common)) common += 1;
  if (common >= MIN_BEGINNING && common >= weights.commonBeginning * longer.length) return common / longer.length;
  const isPart = shorter.length >= MIN_PART && longer.length >= MIN_COMPOUND && longer.includes(shorter);
  return isPart ? weights.compound : 0;
}
