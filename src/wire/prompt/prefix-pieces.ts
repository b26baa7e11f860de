import type { DecodedRequest } from '../decoded-request.ts';
import { QUOTE } from '../json-codes.ts';
import { valueAt } from './format-path.ts';
import { type JsonPath, type JsonRange, JsonRanges } from './json-ranges.ts';
import { minifiedJson } from './minified-json.ts';
import type { PrefixLevel, PrefixSettings } from './prefix-settings.ts';
import type { MessagePlace, RequestPrompt } from './request-prompt.ts';
import { CACHE_MARKS, unmarkedJson } from './unmarked-json.ts';

/** What a piece of a prefix is in the prompt: a tool, or some of the blocks of a message that stand side by side. @public */
export type PrefixSource =
  | { readonly kind: 'tool'; readonly tool: number }
  | { readonly kind: 'blocks'; readonly message: number; readonly blocks: readonly number[] };

/** A stretch of a prompt behind which a cached prefix can end, as text that is the same whenever the provider is shown the same. @internal */
export interface PrefixPiece {
  readonly level: PrefixLevel;
  readonly path: JsonPath;
  readonly source: PrefixSource;
  readonly text: string;
}

/** Members of a message that are its blocks; the others say whose it is. */
const BLOCK_MEMBERS: ReadonlySet<string> = new Set([
  ...CACHE_MARKS,
  'content',
  'tool_calls',
  'function_call',
  'refusal',
  'audio',
  'reasoning',
  'reasoning_content',
]);

/**
 * Cuts a prompt into pieces in the provider's order: tools, system, messages. Each is the text that the caller wrote, without cache marks, so that marks that move
 * on do not change it; plain text is the same as a string and as a part by itself.
 * @param settings - What else the prefix depends on, by the level that it goes ahead of.
 * @param messageCount - Messages to look at, from the first on.
 * @internal
 */
export function prefixPieces(
  request: DecodedRequest,
  read: RequestPrompt,
  settings: PrefixSettings,
  messageCount: number = Infinity,
): readonly PrefixPiece[] {
  const ranges = new JsonRanges(request.text, request.members);
  const pieces: PrefixPiece[] = [];
  /** Belongs to the next piece: settings of levels that begin, marks of messages that are empty. */
  let ahead = settings.tools;
  const add = (level: PrefixLevel, path: JsonPath, source: PrefixSource, text: string): void => {
    pieces.push({ level, path, source, text: ahead === '' ? text : `${ahead}\n${text}` });
    ahead = '';
  };
  for (const [tool, path] of read.tools.entries()) {
    const range = ranges.rangeAt(path);
    // Neither provider puts a tool that is found by search into the prefix.
    if (range === undefined || valueAt(request.body, [...path, 'defer_loading']) === true) continue;
    add('tools', path, { kind: 'tool', tool }, unmarkedJson(ranges, range));
  }
  ahead += settings.system;
  let level: PrefixLevel = 'system';
  for (const [message, place] of read.messages.slice(0, messageCount).entries()) {
    const isSystem = level === 'system' && read.prompt.messages[message]?.role === 'system';
    if (level === 'system' && !isSystem) {
      ahead += settings.messages;
      level = 'messages';
    }
    ahead += envelope(ranges, place);
    for (const { path, blocks } of pieceGroups(place.blocks.map((block) => block.path))) {
      add(level, path, { kind: 'blocks', message, blocks }, pieceText(ranges, path));
    }
  }
  return pieces;
}

interface PieceGroup {
  readonly path: JsonPath;
  readonly blocks: number[];
}

/** Blocks that stand in one part of the request (a result and the pictures in it) are one piece. */
function pieceGroups(paths: readonly JsonPath[]): readonly PieceGroup[] {
  const groups: PieceGroup[] = [];
  for (const [block, path] of paths.entries()) {
    const last = groups.at(-1);
    if (last?.path.every((step, depth) => path[depth] === step) === true) last.blocks.push(block);
    else groups.push({ path, blocks: [block] });
  }
  return groups;
}

/** Whose a message is; nothing where it is one block, which says so itself. */
function envelope(ranges: JsonRanges, { path, blocks }: MessagePlace): string {
  // An input that is one string is what the user says.
  if (path.length === 1) return path[0] === 'input' ? '"role":"user"' : '';
  const range = ranges.rangeAt(path);
  if (range === undefined || blocks[0]?.path.length === path.length) return '';
  return membersText(ranges, range, (name) => !BLOCK_MEMBERS.has(name));
}

function membersText(ranges: JsonRanges, range: JsonRange, isTaken: (name: string) => boolean): string {
  let result = '';
  for (const [name, { keyStart, valueEnd }] of ranges.membersOf(range)) {
    if (isTaken(name)) result += minifiedJson(ranges.text.slice(keyStart, valueEnd));
  }
  return result;
}

/** What a result or item holds: a string, which is the same as one part that is plain text, or parts. */
const HOLDERS = ['content', 'output'] as const;

function pieceText(ranges: JsonRanges, path: JsonPath): string {
  const range = ranges.rangeAt(path);
  if (range === undefined) return '';
  const plain = plainText(ranges, range);
  if (plain !== undefined) return plain;
  for (const holder of HOLDERS) {
    const held = ranges.memberOf(range, holder);
    const parts = held === undefined ? [] : isString(ranges, held) ? [held] : ranges.elementsOf(held);
    if (parts.length === 0) continue;
    const texts = parts.map((part) => plainText(ranges, part) ?? unmarkedJson(ranges, part));
    const isTaken = (name: string): boolean => name !== holder && !CACHE_MARKS.includes(name);
    return [membersText(ranges, range, isTaken), ...texts].join('\n');
  }
  return unmarkedJson(ranges, range);
}

const TEXT_TYPES: ReadonlySet<string> = new Set(['"text"', '"input_text"', '"output_text"']);

/** The string of a block that is nothing but text. */
function plainText(ranges: JsonRanges, range: JsonRange): string | undefined {
  if (isString(ranges, range)) return ranges.slice(range);
  const text = ranges.memberOf(range, 'text');
  const type = ranges.memberOf(range, 'type');
  if (text === undefined || type === undefined || !TEXT_TYPES.has(ranges.slice(type))) return undefined;
  for (const name of ranges.membersOf(range).keys()) {
    if (name !== 'type' && name !== 'text' && !CACHE_MARKS.includes(name)) return undefined;
  }
  return ranges.slice(text);
}

function isString(ranges: JsonRanges, range: JsonRange): boolean {
  return ranges.text.charCodeAt(range.start) === QUOTE;
}
