import type { RequestLimits } from './json-limits.ts';
import type { RequestFacts } from './request-facts.ts';
import { isAbsent, type JsonObject, refuse, wholeNumber } from './request-guards.ts';

/** Checks an embeddings request: only what the gateway acts on. @internal */
export function readEmbeddings(body: JsonObject, limits: RequestLimits): RequestFacts {
  checkInput(body['input'], limits.maxMessages);
  const format = body['encoding_format'];
  if (!isAbsent(format) && format !== 'float' && format !== 'base64') {
    refuse('encoding_format', 'must be "float" or "base64"');
  }
  wholeNumber(body, 'dimensions', 1);
  return { isStream: false, wantsUsageChunk: false, maxOutputTokens: undefined, samples: 1 };
}

/** A string, strings, the tokens of one text, or the tokens of several; never mixed, never empty. */
function checkInput(input: unknown, maxTexts: number): void {
  if (isAbsent(input)) refuse('input', 'is required');
  if (typeof input === 'string') {
    if (input === '') refuse('input', 'must not be empty');
    return;
  }
  if (!Array.isArray(input)) refuse('input', 'must be a string or an array');
  if (input.length === 0) refuse('input', 'must not be empty');
  const first: unknown = input[0];
  if (typeof first !== 'number' && input.length > maxTexts) refuse('input', `must have at most ${maxTexts} entries`);
  for (let index = 0; index < input.length; index += 1) {
    const item: unknown = input[index];
    if (typeof first === 'string' && typeof item === 'string') {
      if (item === '') refuse(`input[${index}]`, 'must not be empty');
    } else if (Array.isArray(first) && Array.isArray(item)) {
      if (item.length === 0) refuse(`input[${index}]`, 'must not be empty');
      if (!item.every(isToken)) refuse(`input[${index}]`, 'must hold tokens: whole numbers of at least 0');
    } else if (!isToken(first) || !isToken(item)) {
      refuse(`input[${index}]`, 'must be a string, a token, or an array of tokens, as all other items are');
    }
  }
}

function isToken(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
