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

/**
 * The edit that asks the provider to cache the prompt up to the end of a block.
 * @param path - `markPath` of a {@link PrefixBlock}.
 * @param ttl - How long, where the provider sells several lives: Anthropic. Five minutes are its default and are not written.
 * @public
 */
export function breakpointEdit(
  endpoint: DecodedRequest['endpoint'],
  path: JsonPath,
  ttl: '5m' | '1h' = '5m',
): RequestEdit {
  if (endpoint === 'messages' || endpoint === 'count-tokens') {
    const json = ttl === '1h' ? '{"type":"ephemeral","ttl":"1h"}' : '{"type":"ephemeral"}';
    return { kind: 'mark', path, name: 'cache_control', json };
  }
  return { kind: 'mark', path, name: 'prompt_cache_breakpoint', json: '{"mode":"explicit"}' };
}
