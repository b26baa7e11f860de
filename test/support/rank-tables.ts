import { createRequire } from 'node:module';
import type { TiktokenBPE } from 'js-tiktoken/lite';
import type { TokenEncoding } from '../../src/ports/tokenizer.ts';

const load = createRequire(import.meta.url);

/** The rank table of js-tiktoken. */
export function rankTable(encoding: TokenEncoding): TiktokenBPE {
  return load(`js-tiktoken/ranks/${encoding}`) as TiktokenBPE;
}

/** Ids of tokens by their bytes, each a character of Latin-1. */
export function ranksByBytes(table: TiktokenBPE): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const line of table.bpe_ranks.split('\n').filter((text) => text !== '')) {
    const [, first, ...tokens] = line.split(' ');
    for (const [index, token] of tokens.entries()) {
      ranks.set(Buffer.from(token, 'base64').toString('latin1'), Number(first) + index);
    }
  }
  return ranks;
}

/** The definition, word for word: of all neighbours that are a token together, those of the lowest rank are joined first, the leftmost of equals. */
export function mergedByDefinition(bytes: Uint8Array, ranks: ReadonlyMap<string, number>): number[] {
  const parts = Array.from(bytes, (byte) => String.fromCharCode(byte));
  const rankAt = (at: number): number => ranks.get(`${parts[at]}${parts[at + 1]}`) ?? Number.POSITIVE_INFINITY;
  const joined = parts.slice(1).map((_, at) => rankAt(at));
  while (joined.length > 0) {
    let place = 0;
    for (let at = 1; at < joined.length; at += 1) if ((joined[at] ?? 0) < (joined[place] ?? 0)) place = at;
    if (joined[place] === Number.POSITIVE_INFINITY) break;
    parts.splice(place, 2, `${parts[place]}${parts[place + 1]}`);
    joined.splice(place, 1);
    if (place > 0) joined[place - 1] = rankAt(place - 1);
    if (place < joined.length) joined[place] = rankAt(place);
  }
  return parts.map((part) => ranks.get(part) ?? -1);
}
