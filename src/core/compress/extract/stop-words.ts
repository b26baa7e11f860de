import { plainWord, stem } from './stem.ts';

/** Words that are in most sentences of a language and say nothing of its subject; question words too. */
const LISTS: Readonly<Record<string, string>> = {
  en: 'a an the of in on at to for by with and or is are was were be been has have had do does did what which who whom whose when where why how that this these those it its as from into than then there their his her he she they you i we not no s t',
  de: 'der die das den dem des ein eine einer eines einem einen und oder in im am an auf aus bei mit nach von vom zu zum zur für ist war sind waren wird wurde wurden werden hat hatte haben hatten welche welcher welches welchen welchem was wer wie wo wann warum wem wen wessen nicht als auch es er sie man sich so',
  fr: 'le la les un une des du de et ou à au aux en dans sur pour par avec est sont était étaient être a ont avait qui que quel quelle quels quelles quoi dont où quand comment combien pourquoi ne pas ce cet cette ces il elle ils elles on se son sa ses leur leurs l d s qu n c',
  es: 'el la los las un una unos unas de del y o a al en con por para es son era eran fue fueron ser ha han había que qué quién quiénes cuál cuáles cuándo dónde cómo cuánto cuántos cuántas cuánta no se su sus lo le les este esta estos estas ese esa',
  it: 'il lo la i gli le un una uno di del della dei delle dello degli e o a al alla ai alle in nel nella con per da dal dalla su sul sulla è sono era erano fu ha hanno aveva che chi quale quali quando dove come quanto quanti quante perché non si suo sua suoi sue l d',
  pt: 'o a os as um uma uns umas de do da dos das e ou em no na nos nas com por para ao à é são era eram foi foram ser tem têm que quem qual quais quando onde como quanto quantos quantas não se seu sua seus suas este esta',
  nl: 'de het een en of van in op aan bij met voor door naar uit is zijn was waren wordt werd werden heeft had hebben wat wie welke welk waar wanneer waarom hoe niet dat die dit deze er zich hij zij ze te om als ook',
  ru: 'и в во на с со к ко по из за у о об от до для не что кто какой какая какое какие каким когда где как сколько почему чей это этот эта эти он она они его ее их был была было были быть а но или же бы',
};

const languages = Object.keys(LISTS);
let bitsOfTerm: ReadonlyMap<string, number> | undefined;

/** Marks the terms that are stop words in the language that most of the text is in: its list holds the most of the text's words. */
export function stopTerms(terms: readonly string[], occurrences: Int32Array): Uint8Array {
  bitsOfTerm ??= languageBits();
  const bits = new Int32Array(terms.length);
  const counts = new Float64Array(languages.length);
  for (let term = 0; term < terms.length; term += 1) {
    const mask = bitsOfTerm.get(terms[term] as string) ?? 0;
    bits[term] = mask;
    for (let rest = mask, language = 0; rest !== 0; rest >>= 1, language += 1)
      if ((rest & 1) === 1) counts[language] = (counts[language] as number) + (occurrences[term] as number);
  }
  const bit = 1 << counts.indexOf(Math.max(...counts));
  const isStop = new Uint8Array(terms.length);
  for (let term = 0; term < terms.length; term += 1) isStop[term] = ((bits[term] as number) & bit) === 0 ? 0 : 1;
  return isStop;
}

function languageBits(): ReadonlyMap<string, number> {
  const bits = new Map<string, number>();
  languages.forEach((language, index) => {
    for (const word of (LISTS[language] ?? '').split(' ')) {
      const term = stem(plainWord(word));
      bits.set(term, (bits.get(term) ?? 0) | (1 << index));
    }
  });
  return bits;
}
