/** What a character is to words: nothing, part of a word between spaces, or of a script that writes without spaces. */
export type CharacterClass = 0 | 1 | 2 | 3;

export const OTHER_CHARACTER = 0;
/** Letters, marks and digits of scripts that put spaces between words. */
export const WORD_CHARACTER = 1;
/** Han, kana and hangul: pairs of characters find what words do, without a dictionary. */
export const PAIRED_CHARACTER = 2;
/** Thai, Lao, Khmer, Burmese: words need a dictionary, which `Intl.Segmenter` has. */
export const DICTIONARY_CHARACTER = 3;

const PAIRED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}々ー]/u;
const DICTIONARY = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const IN_WORD = /[\p{L}\p{M}\p{N}]/u;

const CODE_UNITS = 0x1_00_00;
const UNKNOWN = 255;
const classes = new Uint8Array(CODE_UNITS).fill(UNKNOWN);

/** The class of the UTF-16 code unit; a half of a pair counts as part of a word if it may be a letter's. */
export function characterClass(codeUnit: number): CharacterClass {
  const known = classes[codeUnit] as number;
  if (known !== UNKNOWN) return known as CharacterClass;
  const found = classify(codeUnit);
  classes[codeUnit] = found;
  return found;
}

function classify(codeUnit: number): CharacterClass {
  // Halves of U+10000 to U+1FFFF's letters and of emoji look alike; those of the rarer Han characters begin at U+20000.
  if (codeUnit >= 0xd8_00 && codeUnit <= 0xdf_ff)
    return codeUnit >= 0xd8_40 && codeUnit < 0xdc_00 ? PAIRED_CHARACTER : OTHER_CHARACTER;
  const character = String.fromCharCode(codeUnit);
  if (!IN_WORD.test(character)) return OTHER_CHARACTER;
  if (PAIRED.test(character)) return PAIRED_CHARACTER;
  return DICTIONARY.test(character) ? DICTIONARY_CHARACTER : WORD_CHARACTER;
}
