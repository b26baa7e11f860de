const MIN_STEMMED_LENGTH = 5;
const ENGLISH_ENDING = /(?:ational|ations?|ments?|ingly|ings?|edly|ies|ied|ed|es|s|ly)$/;

/**
 * The stem of a word that is in lower case without accents: without its English ending. Forms with other endings are found by their common
 * beginning, which works in any language, but only for the question's words.
 */
export function stem(word: string): string {
  return word.length >= MIN_STEMMED_LENGTH ? word.replace(ENGLISH_ENDING, '') : word;
}

/** A word as it is compared: in lower case, without accents and ligatures. */
export function plainWord(form: string): string {
  return isAscii(form) ? form.toLowerCase() : form.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function isAscii(form: string): boolean {
  for (let index = 0; index < form.length; index += 1) if (form.charCodeAt(index) > 0x7f) return false;
  return true;
}
