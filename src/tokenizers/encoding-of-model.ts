import type { TokenEncoding } from '../ports/tokenizer.ts';

/** Beginnings of names, of which the first that fits tells the encoding; undefined: one that is not shipped. */
type Rules = readonly (readonly [beginning: string, encoding: TokenEncoding | undefined])[];

/** openai/tiktoken, `tiktoken/model.py`: its list of exact names is always behind, its older models are complete. */
const OPENAI_RULES: Rules = [
  ['gpt-4o', 'o200k_base'],
  ['gpt-4.', 'o200k_base'],
  ['gpt-4', 'cl100k_base'],
  ['gpt-3', 'cl100k_base'],
  // What Azure calls gpt-3.5.
  ['gpt-35', 'cl100k_base'],
  ['text-embedding-', 'cl100k_base'],
  ['davinci-002', 'cl100k_base'],
  ['babbage-002', 'cl100k_base'],
  ['gpt-2', undefined],
  ['text-', undefined],
  ['code-', undefined],
  ['davinci', undefined],
  ['curie', undefined],
  ['babbage', undefined],
  ['ada', undefined],
];

/** Families of OpenAI, by the beginning of the name. */
const OPENAI_FAMILIES = ['gpt-', 'chatgpt-', 'codex-', 'computer-use-', 'text-embedding-3-', 'text-embedding-ada-'];
const OPENAI_NAMES = new Set(['davinci-002', 'babbage-002']);
/** Models of others whose names begin like OpenAI's. */
const NOT_OPENAI = ['gpt-j', 'gpt-neo', 'gpt-sw3', 'gpt-bigcode', 'gpt4all'];
/** The reasoning models: o1, o3-mini, o4-mini-2025-04-16. */
const REASONING_MODEL = /^o\d{1,2}(?:$|[-:@])/;
const FINE_TUNED = 'ft:';

/**
 * The encoding of an OpenAI model, by the beginning of its name: `gpt-4-turbo`, `openai/o3-mini`, `ft:gpt-4o-2024-08-06:team::id`. OpenAI models that are
 * not known here are taken to be new, and so to have o200k_base.
 * @returns undefined for models of other vendors, and for OpenAI's of before gpt-3.5.
 * @public
 */
export function encodingOfModel(model: string): TokenEncoding | undefined {
  const path = model.toLowerCase().split('/');
  const last = path.at(-1) ?? '';
  const name = last.startsWith(FINE_TUNED) ? (last.slice(FINE_TUNED.length).split(':')[0] ?? '') : last;
  if (!isOpenAi(name) && path.at(-2) !== 'openai') return undefined;
  const rule = OPENAI_RULES.find(([beginning]) => name.startsWith(beginning));
  return rule === undefined ? 'o200k_base' : rule[1];
}

function isOpenAi(name: string): boolean {
  if (NOT_OPENAI.some((beginning) => name.startsWith(beginning))) return false;
  return (
    OPENAI_NAMES.has(name) ||
    REASONING_MODEL.test(name) ||
    OPENAI_FAMILIES.some((beginning) => name.startsWith(beginning))
  );
}
