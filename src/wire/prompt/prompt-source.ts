import type { PromptBlock, PromptRole } from '../../core/model/prompt.ts';
import type { DecodedRequest } from '../decoded-request.ts';
import type { JsonObject } from '../request-guards.ts';
import { type JsonPath, JsonRanges } from './json-ranges.ts';
import { minifiedJson } from './minified-json.ts';
import type { BlockPlace } from './request-prompt.ts';
import { textBytes } from './text-bytes.ts';
import { unmarkedJson } from './unmarked-json.ts';

/** A block with its place. @internal */
export interface PlacedBlock {
  readonly block: PromptBlock;
  readonly place: BlockPlace;
}

/** A message with its place. @internal */
export interface PlacedMessage {
  readonly role: PromptRole;
  readonly name: string | undefined;
  readonly path: JsonPath;
  readonly blocks: readonly PlacedBlock[];
}

/** A value of the body on the way through it, with its path. @internal */
export interface PlacedValue {
  readonly value: unknown;
  readonly path: JsonPath;
}

/** The request that a prompt is read from: its values and, where they count, the bytes that they were written with. @internal */
export class PromptSource {
  readonly body: JsonObject;
  readonly #ranges: JsonRanges;

  constructor(request: Pick<DecodedRequest, 'body' | 'text' | 'members'>) {
    this.body = request.body;
    this.#ranges = new JsonRanges(request.text, request.members);
  }

  /** The value's own text without white space between its tokens. */
  minified(path: JsonPath): string {
    const range = this.#ranges.rangeAt(path);
    return range === undefined ? '' : minifiedJson(this.#ranges.slice(range));
  }

  /** The same of a block or a tool, without its cache marks. */
  minifiedBlock(path: JsonPath): string {
    const range = this.#ranges.rangeAt(path);
    return range === undefined ? '' : minifiedJson(unmarkedJson(this.#ranges, range));
  }

  opaque(type: string, path: JsonPath): PlacedBlock {
    const block = { kind: 'opaque', type, sizeBytes: textBytes(this.minifiedBlock(path)) } as const;
    return { block, place: { path, textPaths: [] } };
  }
}

/** @internal */
export function textBlock(text: string, path: JsonPath, textPath: JsonPath = path): PlacedBlock {
  return { block: { kind: 'text', text }, place: { path, textPaths: [textPath] } };
}

/** @internal */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The elements of a list with their paths; none where it is no list. @internal */
export function placedElements(value: unknown, path: JsonPath): readonly PlacedValue[] {
  return listOf(value).map((element, index) => ({ value: element, path: [...path, index] }));
}

/** The type that a block says it is; `''` where it says none. @internal */
export function typeOf(value: JsonObject): string {
  return typeof value['type'] === 'string' ? value['type'] : '';
}

/** A string, or `''`. @internal */
export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
