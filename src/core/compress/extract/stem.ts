const MIN_STEMMED_LENGTH = 5;
const ENGLISH_ENDING = /(?:ational|ations?|ments?|ingly|ings?|edly|ies|ied|ed|es|s|ly)$/;
/** The letters that those end with; most words end with others and need no further look. */
const LAST_LETTERS = 'lnstgyd';

/**
 * The stem of a word that is in lower case without accents: without its English ending. Forms with other endings are found by their common
 * beginning, which works in any language, but only for the question's words.
 */
export function stem(word: string): string {
  if (word.length < MIN_STEMMED_LENGTH || !LAST_LETTERS.includes(word.at(-1) as string)) return word;
  return word.replace(ENGLISH_ENDING, '');
}

/** A word as it is compared: in lower case, without accents and ligatures. */
export function plainWord(form: string): string {
  let isPlain = true;
  for (let index = 0; index < form.length; index += 1) {
    const code = form.charCodeAt(index);
    if (code > 0x7f) return form.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
    if (code >= 65 && code <= 90) isPlain = false;
  }
  return isPlain ? form : form.toLowerCase();
}
