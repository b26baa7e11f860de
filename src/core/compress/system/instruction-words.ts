/** Short forms and what they stand for. */
const SHORT_FORMS: ReadonlyMap<string, string> = new Map([
  ["don't", 'do not'],
  ["doesn't", 'does not'],
  ["didn't", 'did not'],
  ["can't", 'can not'],
  ['cannot', 'can not'],
  ["couldn't", 'could not'],
  ["won't", 'will not'],
  ["wouldn't", 'would not'],
  ["isn't", 'is not'],
  ["aren't", 'are not'],
  ["wasn't", 'was not'],
  ["shouldn't", 'should not'],
  ["mustn't", 'must not'],
  ["needn't", 'need not'],
  ["haven't", 'have not'],
  ["hasn't", 'has not'],
  ["you're", 'you are'],
  ["you'll", 'you will'],
  ["they're", 'they are'],
  ["we're", 'we are'],
  ["it's", 'it is'],
  ["that's", 'that is'],
]);

/** Words that an instruction may have or not and mean the same. */
const COURTESIES: ReadonlySet<string> = new Set([
  'please',
  'kindly',
  'also',
  'additionally',
  'furthermore',
  'moreover',
]);

/** Emphasis before a word. */
const BEFORE = '*_';
/** Emphasis behind a word, and what ends a sentence. */
const BEHIND = '*_.,;:!';

/**
 * The words of a sentence in a form in which two that say the same in the same words are equal: short forms written out, courtesy and emphasis left out, the
 * first word small. Numbers, signs, names (capitals within the sentence) and negations stay as they are.
 * @internal
 */
export function instructionWords(sentence: string): readonly string[] {
  const words: string[] = [];
  for (const raw of sentence.replaceAll('’', "'").split(/\s+/u)) {
    const word = withoutEdges(raw);
    if (word === '') continue;
    const plain = words.length === 0 ? uncapitalised(word) : word;
    if (COURTESIES.has(plain.toLowerCase()) && plain !== plain.toUpperCase()) continue;
    words.push(...(SHORT_FORMS.get(plain) ?? plain).split(' '));
  }
  const [first] = words;
  if (first !== undefined) words[0] = uncapitalised(first);
  return words;
}

/** Marks of emphasis and of a sentence's end; a number keeps its sign and its point. */
function withoutEdges(word: string): string {
  let start = 0;
  let end = word.length;
  while (start < end && BEFORE.includes(word.charAt(start))) start += 1;
  while (end > start && BEHIND.includes(word.charAt(end - 1))) end -= 1;
  return word.slice(start, end);
}

/** `Always` is `always`, but `API` and `McDonald` stay. */
function uncapitalised(word: string): string {
  return /^\p{Lu}[\p{Ll}']*$/u.test(word) ? word.toLowerCase() : word;
}
