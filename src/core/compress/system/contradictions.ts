import type { SegmentedText } from '../transform.ts';
import { stem } from '../extract/stem.ts';
import { type Instruction, instructionsOf } from './instructions-of.ts';
import { instructionWords } from './instruction-words.ts';

/**
 * Two instructions that cannot both be followed.
 *
 * - `polarity`: one says always or do, the other never or do not, of the same thing.
 * - `number`: the same, with other numbers; or bounds that exclude each other.
 * - `format`, `language`: the answer is to be in one and in another.
 * @public
 */
export interface Contradiction {
  readonly kind: 'polarity' | 'number' | 'format' | 'language';
  readonly first: StatedAt;
  readonly second: StatedAt;
}

/** Where a sentence stands, as string offsets, and what it says. @public */
export interface StatedAt {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** More than so many are not listed: such a prompt is no prompt. */
const MAX_FOUND = 50;
/** A sentence is compared with so many of its like at the most. */
const MAX_COMPARED = 8;

/** Words that say nothing about what is to be done. */
const EMPTY: ReadonlySet<string> = new Set(
  'a an the you your must should shall will can may always to be do is are it that need have has try ensure in of at on please and any ever'.split(
    ' ',
  ),
);
const NEGATIONS: ReadonlySet<string> = new Set(['not', 'never', 'avoid', 'refrain', 'no']);
const CONDITIONS: ReadonlySet<string> = new Set(
  'if when unless except while until where for only otherwise instead else case inside within'.split(' '),
);
const ANSWERING: ReadonlySet<string> = new Set(
  'answer answers respond reply replies response responses output outputs write return produce speak communicate format'.split(
    ' ',
  ),
);
const FORMATS: ReadonlySet<string> = new Set(['json', 'markdown', 'xml', 'yaml', 'html', 'csv', 'plaintext', 'prose']);
const LANGUAGES: ReadonlySet<string> = new Set(
  (
    'english german french spanish italian portuguese dutch swedish norwegian danish finnish polish czech russian ukrainian turkish arabic hebrew hindi ' +
    'bengali thai vietnamese indonesian japanese korean chinese mandarin greek romanian hungarian'
  ).split(' '),
);
const NUMBER_WORDS: ReadonlyMap<string, number> = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve'.split(' ').map((word, value) => [word, value]),
);
/** Words before a number that make it a bound. */
const BOUNDS: readonly { readonly words: readonly string[]; readonly kind: 'most' | 'least' | 'exact' }[] = [
  { words: ['at', 'most'], kind: 'most' },
  { words: ['no', 'more', 'than'], kind: 'most' },
  { words: ['up', 'to'], kind: 'most' },
  { words: ['a', 'maximum', 'of'], kind: 'most' },
  { words: ['fewer', 'than'], kind: 'most' },
  { words: ['less', 'than'], kind: 'most' },
  { words: ['under'], kind: 'most' },
  { words: ['at', 'least'], kind: 'least' },
  { words: ['a', 'minimum', 'of'], kind: 'least' },
  { words: ['no', 'fewer', 'than'], kind: 'least' },
  { words: ['no', 'less', 'than'], kind: 'least' },
  { words: ['more', 'than'], kind: 'least' },
  { words: ['exactly'], kind: 'exact' },
];
/** Words that only say that something is answered. */
const SPEAKING: ReadonlySet<string> = new Set([
  ...ANSWERING,
  'keep',
  'limit',
  'use',
  'give',
  'provide',
  'make',
  'with',
  'length',
]);

/** What a sentence claims about one thing. */
interface Claim {
  readonly kind: Contradiction['kind'];
  /** The thing; claims about other things are not compared. */
  readonly about: string;
  readonly excludes: (other: Claim) => boolean;
  readonly value: string;
  readonly bound?: { readonly kind: 'most' | 'least' | 'exact'; readonly value: number };
}

/**
 * Finds sentences of a system prompt that contradict each other. Of English prompts only, and of what can be told by words: always and never, do and do not,
 * other numbers for the same thing, other formats or languages of the answer. Sentences under different headings or cases are not compared, nor those with a
 * condition about format or language. They are reported, never changed: which of the two is meant is not in the text. Linear.
 * @public
 */
export function contradictions({ text, segments }: SegmentedText): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const stated = new Map<string, { readonly claim: Claim; readonly instruction: Instruction }[]>();
  for (const instruction of instructionsOf(text, segments)) {
    for (const claim of claimsOf(instructionWords(instruction.text))) {
      const key = `${claim.kind} ${claim.about}`;
      const others = stated.get(key) ?? [];
      const other = others.find((one) => areOfOneScope(one.instruction, instruction) && claim.excludes(one.claim));
      if (other !== undefined && found.length < MAX_FOUND) {
        found.push({ kind: claim.kind, first: statedAt(other.instruction), second: statedAt(instruction) });
      }
      if (others.length < MAX_COMPARED) stated.set(key, [...others, { claim, instruction }]);
    }
  }
  return found;
}

function statedAt({ start, end, text }: Instruction): StatedAt {
  return { start, end, text };
}

/** Whether one of the two holds where the other does. */
function areOfOneScope({ scope: one }: Instruction, { scope: other }: Instruction): boolean {
  const shared = Math.min(one.length, other.length);
  return one.slice(0, shared).every((at, index) => at === other[index]);
}

function claimsOf(words: readonly string[]): readonly Claim[] {
  if (words.length > 60) return [];
  const lower = words.map((word) => word.toLowerCase());
  return [
    polarityClaim(lower),
    ...numberClaims(lower),
    namedClaim('format', FORMATS, lower),
    namedClaim('language', LANGUAGES, lower),
  ].filter((claim) => claim !== undefined);
}

function polarityClaim(words: readonly string[]): Claim | undefined {
  const negations = words.filter((word) => NEGATIONS.has(word)).length;
  // `using` and `use` have one stem but for its last letter.
  const things = words
    .filter((word) => !EMPTY.has(word) && !NEGATIONS.has(word))
    .map((word) => stem(word).replace(/e$/, ''));
  if (negations > 1 || new Set(things).size < 2) return undefined;
  const value = negations === 1 ? 'no' : 'yes';
  return {
    kind: 'polarity',
    about: [...new Set(things)].toSorted().join(' '),
    value,
    excludes: (other) => other.value !== value,
  };
}

function numberClaims(words: readonly string[]): readonly Claim[] {
  const places = words.flatMap((word, place) => (numberOf(word) === undefined ? [] : [place]));
  const [at] = places;
  if (at === undefined || places.length > 3) return [];
  const value = places.map((place) => numberOf(words[place] ?? '')).join(' ');
  const skeleton = words.map((word) => (numberOf(word) === undefined ? word : '#'));
  const claims: Claim[] = [];
  // Three words and the number at the least: `Step 1` and `Step 2` are no claims.
  if (skeleton.length >= 4) {
    claims.push({ kind: 'number', about: skeleton.join(' '), value, excludes: (other) => other.value !== value });
  }
  const bound = places.length === 1 ? boundClaim(words, at) : undefined;
  return bound === undefined ? claims : [...claims, bound];
}

/** `at most 3 sentences`: a bound on sentences of whatever else the sentence is about. */
function boundClaim(words: readonly string[], at: number): Claim | undefined {
  const found = BOUNDS.find(({ words: before }) =>
    before.every((word, index) => words[at - before.length + index] === word),
  );
  const unit = words[at + 1];
  const value = numberOf(words[at] ?? '');
  if (found === undefined || unit === undefined || value === undefined) return undefined;
  const rest = [...words.slice(0, at - found.words.length), ...words.slice(at + 2)];
  const about = rest.filter((word) => !EMPTY.has(word) && !SPEAKING.has(word)).map((word) => stem(word));
  const bound = { kind: found.kind, value };
  return {
    kind: 'number',
    about: `bound ${stem(unit)}: ${about.toSorted().join(' ')}`,
    value: `${found.kind} ${value}`,
    bound,
    excludes: ({ bound: other }) => other !== undefined && excludeEachOther(bound, other),
  };
}

type Bound = NonNullable<Claim['bound']>;

function excludeEachOther(one: Bound, other: Bound): boolean {
  if (one.kind === other.kind) return one.value !== other.value;
  const lowest = Math.max(...[one, other].map(({ kind, value }) => (kind === 'most' ? -Infinity : value)));
  const highest = Math.min(...[one, other].map(({ kind, value }) => (kind === 'least' ? Infinity : value)));
  return lowest > highest;
}

function namedClaim(
  kind: 'format' | 'language',
  names: ReadonlySet<string>,
  words: readonly string[],
): Claim | undefined {
  const named = new Set(words.filter((word) => names.has(word)));
  const isPlain =
    words.some((word) => ANSWERING.has(word)) && !words.some((word) => NEGATIONS.has(word) || CONDITIONS.has(word));
  const [value] = named;
  if (named.size !== 1 || value === undefined || !isPlain) return undefined;
  return { kind, about: '', value, excludes: (other) => other.value !== value };
}

function numberOf(word: string): number | undefined {
  if (/^\d{1,9}(?:\.\d{1,6})?$/.test(word)) return Number(word);
  return NUMBER_WORDS.get(word);
}
