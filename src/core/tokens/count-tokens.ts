/** Counts the tokens of a text, exactly or as an estimate; must be deterministic. What pure code takes in place of a tokenizer. @public */
export type CountTokens = (text: string) => number;
