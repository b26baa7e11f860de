import { jsonScalarEnd, jsonStringEnd, skipJsonSpace } from '../segment/json-span.ts';

/** JSON as it was written: numbers and literals keep their digits and letters, members their order. @internal */
export type JsonNode =
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly value: string }
  /** A number, `true`, `false` or `null`. */
  | { readonly kind: 'literal'; readonly lexeme: string };

/** @internal */
export interface JsonMember {
  readonly key: string;
  readonly value: JsonNode;
}

/** Records are flat; what is nested deeper is none. */
const MAX_DEPTH = 24;
/** Control characters but tab and line feed, and halves of surrogate pairs: notations other than JSON cannot carry them safely. */
const UNSAFE = /[\p{Cs}\u2028\u2029\uFEFF]|(?![\t\n])\p{Cc}/u;

interface Read {
  readonly node: JsonNode;
  readonly end: number;
}

/**
 * Reads JSON that is known to be valid. Undefined where another notation could not carry it: doubled keys, control characters, great depth.
 * @internal
 */
export function jsonNode(json: string): JsonNode | undefined {
  return readNode(json, skipJsonSpace(json, 0), MAX_DEPTH)?.node;
}

function readNode(json: string, at: number, depthLeft: number): Read | undefined {
  if (depthLeft === 0) return undefined;
  const mark = json.charAt(at);
  if (mark === '{') return readObject(json, at, depthLeft);
  if (mark === '[') return readArray(json, at, depthLeft);
  if (mark !== '"') {
    const end = jsonScalarEnd(json, at);
    return end === -1 ? undefined : { node: { kind: 'literal', lexeme: json.slice(at, end) }, end };
  }
  const text = readString(json, at);
  return text === undefined ? undefined : { node: { kind: 'string', value: text.value }, end: text.end };
}

function readObject(json: string, start: number, depthLeft: number): Read | undefined {
  const members: JsonMember[] = [];
  const keys = new Set<string>();
  let at = skipJsonSpace(json, start + 1);
  while (json.charAt(at) !== '}') {
    const key = readString(json, at);
    if (key === undefined || keys.has(key.value)) return undefined;
    keys.add(key.value);
    const colon = skipJsonSpace(json, key.end);
    const value = readNode(json, skipJsonSpace(json, colon + 1), depthLeft - 1);
    if (value === undefined) return undefined;
    members.push({ key: key.value, value: value.node });
    at = behindComma(json, value.end);
  }
  return { node: { kind: 'object', members }, end: at + 1 };
}

function readArray(json: string, start: number, depthLeft: number): Read | undefined {
  const items: JsonNode[] = [];
  let at = skipJsonSpace(json, start + 1);
  while (json.charAt(at) !== ']') {
    const item = readNode(json, at, depthLeft - 1);
    if (item === undefined) return undefined;
    items.push(item.node);
    at = behindComma(json, item.end);
  }
  return { node: { kind: 'array', items }, end: at + 1 };
}

function readString(json: string, at: number): { readonly value: string; readonly end: number } | undefined {
  const end = json.charAt(at) === '"' ? jsonStringEnd(json, at) : -1;
  if (end === -1) return undefined;
  const value = JSON.parse(json.slice(at, end)) as string;
  return UNSAFE.test(value) ? undefined : { value, end };
}

function behindComma(json: string, at: number): number {
  const next = skipJsonSpace(json, at);
  return json.charAt(next) === ',' ? skipJsonSpace(json, next + 1) : next;
}
