/** The commonest words of English: every third or fourth word of running text is one of them. */
const ENGLISH = new Set(
  'the of and to in is that for with you are be this it as on or not if your from by an at will can have has do was but should must any all'.split(
    ' ',
  ),
);
/** Words that are common in a neighbour and none in English. */
const OTHERS = new Set(
  'der die das und ist nicht ein eine zu den mit für le la les des et est une dans que pour el los las y en del por het een van niet och att det som är il di che non per da o os um não na i w nie się'.split(
    ' ',
  ),
);
const WORD = /[\p{L}']+/gu;
/** A paragraph is judged by its first words. */
const MAX_WORDS = 200;
const MIN_ENGLISH_WORDS = 2;
const MIN_ENGLISH_RATIO = 0.15;

/** Whether a paragraph is certainly English; short ones and mixtures are not. @internal */
export function isEnglish(paragraph: string): boolean {
  let [words, english, other] = [0, 0, 0];
  for (const [word] of paragraph.matchAll(WORD)) {
    const lower = word.toLowerCase();
    words += 1;
    if (ENGLISH.has(lower)) english += 1;
    else if (OTHERS.has(lower)) other += 1;
    if (words === MAX_WORDS) break;
  }
  return english >= MIN_ENGLISH_WORDS && english >= MIN_ENGLISH_RATIO * words && english > 3 * other;
}
