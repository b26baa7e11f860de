/**
 * What the parts of a sentence's score weigh. Tuned together on half of the records of the quality report (those whose SHA-256 is even); the report's
 * sensitivity table shows that none of them is sharp. Scores are divided by the weight of all terms of the question, so that the weights mean the
 * same for short questions and long ones.
 */
export interface ExtractionWeights {
  /** Of the paragraph's score, beside the sentence's own. */
  readonly section: number;
  /** Of the score of the sentence before and of the one after, in the same paragraph. */
  readonly previous: number;
  readonly next: number;
  /** Of the sentence before once more, where a sentence begins with a pronoun ("It was founded …"). */
  readonly pronoun: number;
  /** For being the first sentence of a paragraph. */
  readonly lead: number;
  /** Of a title's words that the question has. */
  readonly titleCover: number;
  /** Of a term in the first sentence of a paragraph without a title, for the sentences after it. */
  readonly inheritedLead: number;
  /** Of neighbouring terms of the question that are neighbours in the sentence too. */
  readonly pairs: number;
  /** For a number that the question has not, where it asks for one (when, how many). */
  readonly numberAsked: number;
  /** By how much more a number of the question weighs than a word. */
  readonly queryNumber: number;
  /** Of what a sentence shares with the best ones beyond the question: the second hop. */
  readonly hop: number;
  /** Of a word there that is neither a name nor a number. */
  readonly hopPlainWord: number;
  /** For sentences under a title that one of the best sentences names; for the first one of a paragraph, and of that for the others. */
  readonly link: number;
  readonly linkRest: number;
  /** Of the names that a paragraph without a title begins with, in place of one. */
  readonly inferredTitle: number;
  /** How many of the best sentences the second hop begins at. */
  readonly seeds: number;
  /** From which share of common beginning on two words count as forms of one. */
  readonly commonBeginning: number;
  /** What a word is worth that holds a word of the question, or the other way round (German compounds). */
  readonly compound: number;
}

export const EXTRACTION_WEIGHTS: ExtractionWeights = {
  section: 0.7,
  previous: 0.2,
  next: 0.2,
  pronoun: 0.3,
  lead: 0.03,
  titleCover: 0.2,
  inheritedLead: 0.2,
  pairs: 0.1,
  numberAsked: 0.08,
  queryNumber: 1.25,
  hop: 0.3,
  hopPlainWord: 0.3,
  link: 0.45,
  linkRest: 0.5,
  inferredTitle: 0.6,
  seeds: 6,
  commonBeginning: 0.7,
  compound: 0.5,
};
