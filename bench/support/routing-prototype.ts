/** APGR of a score with its 95 % bootstrap interval, and what it saves at 95, 98, 99 and 100 % of the strong model's quality, in percent. */
export interface PrototypeScore {
  readonly apgr: readonly [value: number, low: number, high: number];
  readonly savedPercent: readonly [at95: number, at98: number, at99: number, at100: number];
}

/** Quality against the strong model's and what is saved, in percent. */
export interface PrototypePoint {
  readonly qualityPercent: number;
  readonly savedPercent: number;
}

/**
 * What the prototypes of the facts of routing come to on the share of the outcomes that is in the data folder, two folds, three partings except for MMLU: measured with them, rows and prices as here.
 * Their score is a hashed logistic regression with two heads.
 */
export const PROTOTYPE_SCORES: Readonly<Record<string, Readonly<Record<string, PrototypeScore>>>> = {
  mmlu: {
    oracle: { apgr: [1.279, 1.218, 1.355], savedPercent: [90.7, 88.3, 87.5, 86.7] },
    length: { apgr: [0.591, 0.571, 0.618], savedPercent: [48.6, 19.4, 11.5, 0.5] },
    category: { apgr: [0.687, 0.664, 0.716], savedPercent: [57.3, 33.1, 23.9, 15] },
    score: { apgr: [0.67, 0.648, 0.702], savedPercent: [53.5, 27.2, 18.9, 9.1] },
  },
  gsm8k: {
    oracle: { apgr: [1.142, 1.047, 1.277], savedPercent: [81.7, 79.2, 78.3, 77.5] },
    length: { apgr: [0.594, 0.543, 0.643], savedPercent: [33.1, 15, 4.6, 1.1] },
    score: { apgr: [0.635, 0.587, 0.701], savedPercent: [37.9, 23.6, 17.5, 14.4] },
  },
  'zeroeval mini -> 4o': {
    oracle: { apgr: [1.184, 1.069, 1.323], savedPercent: [91.6, 88.2, 87.1, 86.3] },
    length: { apgr: [0.705, 0.645, 0.773], savedPercent: [74.6, 49, 33.4, 10.5] },
    category: { apgr: [0.655, 0.59, 0.731], savedPercent: [76.2, 51.8, 17.1, 1] },
    score: { apgr: [0.643, 0.581, 0.719], savedPercent: [81.5, 36.3, 10.9, 0] },
  },
  'zeroeval haiku -> sonnet': {
    oracle: { apgr: [1.012, 0.971, 1.076], savedPercent: [75.5, 72.8, 71.9, 71] },
    length: { apgr: [0.697, 0.662, 0.73], savedPercent: [46.1, 28, 14.4, 0] },
    category: { apgr: [0.637, 0.6, 0.67], savedPercent: [44.1, 16.3, 6.8, 0.2] },
    score: { apgr: [0.674, 0.64, 0.715], savedPercent: [44.2, 21.8, 9.9, 0.1] },
  },
  'bfcl mini -> 4o': {
    oracle: { apgr: [2.393, 1.577, 5.512], savedPercent: [93.9, 93.2, 91.9, 91.1] },
    length: { apgr: [0.713, 0.496, 1.722], savedPercent: [93.9, 51.7, 38.5, 25.2] },
    category: { apgr: [0.841, 0.594, 1.742], savedPercent: [93.9, 90.7, 85.5, 73.8] },
    score: { apgr: [1.417, 0.96, 3.165], savedPercent: [93.9, 90.5, 85.8, 82.9] },
  },
  'bfcl haiku -> sonnet': {
    oracle: { apgr: [1.105, 1.016, 1.225], savedPercent: [84.3, 81.1, 79.6, 78.5] },
    length: { apgr: [0.736, 0.686, 0.803], savedPercent: [69.2, 24.6, 18.6, 7.7] },
    category: { apgr: [0.741, 0.682, 0.809], savedPercent: [72.2, 31.5, 14.8, 0.3] },
    score: { apgr: [0.752, 0.7, 0.813], savedPercent: [69.2, 43.6, 24.7, 1.4] },
  },
};

/** The same for cascades; agreement is equality of texts there, and all checkers are paid. */
export const PROTOTYPE_CASCADES: Readonly<Record<string, Readonly<Record<string, PrototypePoint>>>> = {
  'zeroeval mini -> 4o': {
    'never escalate': { qualityPercent: 93.4, savedPercent: 93.5 },
    'no answer found': { qualityPercent: 93.5, savedPercent: 93.4 },
    'not the form': { qualityPercent: 95.2, savedPercent: 71.2 },
    'differs from the first checker': { qualityPercent: 99.2, savedPercent: 62.5 },
    'differs from the second checker': { qualityPercent: 99, savedPercent: 47.3 },
    'differs from one of both': { qualityPercent: 100.1, savedPercent: 38.3 },
  },
  'zeroeval haiku -> sonnet': {
    'never escalate': { qualityPercent: 82.9, savedPercent: 87.1 },
    'no answer found': { qualityPercent: 82.9, savedPercent: 87.1 },
    'not the form': { qualityPercent: 100, savedPercent: -12.9 },
    'differs from the first checker': { qualityPercent: 98.2, savedPercent: 55 },
    'differs from the second checker': { qualityPercent: 99, savedPercent: 52.2 },
    'differs from one of both': { qualityPercent: 100.2, savedPercent: 43.3 },
  },
  'bfcl mini -> 4o': {
    'never escalate': { qualityPercent: 97.1, savedPercent: 93.9 },
    'fails a check': { qualityPercent: 99.9, savedPercent: 82.3 },
    'every cheap failure': { qualityPercent: 104.4, savedPercent: 71 },
  },
  'bfcl haiku -> sonnet': {
    'never escalate': { qualityPercent: 88.6, savedPercent: 91.5 },
    'fails a check': { qualityPercent: 96.1, savedPercent: 77.4 },
    'every cheap failure': { qualityPercent: 102.1, savedPercent: 68.5 },
  },
};

/** Escalates disagreement with the first checker, then by the score: saved at 95, 98, 99 and 100 %, in percent. */
export const PROTOTYPE_AGREE_THEN_SCORE: Readonly<Record<string, PrototypeScore['savedPercent']>> = {
  'zeroeval mini -> 4o': [81.5, 66.1, 63, 47.1],
  'zeroeval haiku -> sonnet': [60.4, 55.4, 47.2, 4.5],
};
