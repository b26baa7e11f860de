import type { DecodedRequest } from '../decoded-request.ts';
import type { JsonPath } from './json-ranges.ts';
import type { RequestEdit } from './request-edit.ts';
import type { BlockPlace } from './request-prompt.ts';

/**
 * Edits that give a block of text, or the result of a tool, another text. Where its text comes from several parts, the first gets all of it and the others
 * go. Not for reasoning, which is signed, nor for images.
 * @public
 */
export function blockTextEdits(place: BlockPlace, text: string): readonly RequestEdit[] {
  return place.textPaths.map((path, index) => {
    if (index === 0) return { kind: 'replace-text', path, text };
    return { kind: 'remove', path: typeof path.at(-1) === 'number' ? path : path.slice(0, -1) };
  });
}

/**
 * Edits that put another picture in the place of one that came inline.
 * @param data - base64.
 * @public
 */
export function imageEdits(place: BlockPlace, data: string, mediaType: string): readonly RequestEdit[] {
  const path = place.textPaths[0];
  if (path === undefined) return [];
  // Anthropic has the data by itself, beside its type; elsewhere it is an address.
  if (path.at(-1) !== 'data') return [{ kind: 'replace-text', path, text: `data:${mediaType};base64,${data}` }];
  const source = path.slice(0, -1);
  return [
    { kind: 'replace-text', path, text: data },
    { kind: 'set-member', path: source, name: 'media_type', json: JSON.stringify(mediaType) },
  ];
}

/** `cache_control` by how long the provider keeps the prefix, as Anthropic wants it; five minutes are its default and are not written. @public */
export const CACHE_CONTROLS = {
  '5m': { type: 'ephemeral' },
  '1h': { type: 'ephemeral', ttl: '1h' },
} as const;

/** `prompt_cache_breakpoint` as OpenAI wants it. @public */
export const CACHE_BREAKPOINT = { mode: 'explicit' } as const;

/**
 * The edit that asks the provider to cache the prompt up to the end of a block.
 * @param path - `markPath` of a {@link PrefixBlock}.
 * @param ttl - How long; only Anthropic sells several lives.
 * @public
 */
export function breakpointEdit(
  endpoint: DecodedRequest['endpoint'],
  path: JsonPath,
  ttl: keyof typeof CACHE_CONTROLS = '5m',
): RequestEdit {
  const isAnthropic = endpoint === 'messages' || endpoint === 'count-tokens';
  if (isAnthropic) return { kind: 'mark', path, name: 'cache_control', json: JSON.stringify(CACHE_CONTROLS[ttl]) };
  return { kind: 'mark', path, name: 'prompt_cache_breakpoint', json: JSON.stringify(CACHE_BREAKPOINT) };
}
