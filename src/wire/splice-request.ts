import { FarthingError } from '../core/errors.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { type MemberRange, scanJson } from './json-scan.ts';
import { entryCuts } from './prompt/list-changes.ts';
import { SPLICE_ORDER, splicedText } from './prompt/text-splices.ts';
import { isObject } from './request-guards.ts';

/** What to change in a request on its way to the provider. @public */
export interface RequestEdits {
  /** The provider's name for the model. */
  readonly model?: string;
  /** Sets `stream_options.include_usage`, leaving the other stream options as they are. Only for chat streams. */
  readonly includeUsage?: true;
  /** Other members of the body to set or replace, by name, each as JSON text: a part of `input`, a limit on output tokens. */
  readonly members?: Readonly<Record<string, string>>;
  /** Members of the body to take out, by name. Those that are not there are passed over; one that is set as well is set. */
  readonly remove?: readonly string[];
}

const utf8 = new TextEncoder();
const NONE: ReadonlySet<string> = new Set();

/**
 * Changes members of a request's body and leaves every other byte as the caller wrote it: big integers, spacing, order and unknown fields
 * survive. A member that is not there is added behind the last one; with one that is taken out goes one comma and the space around that. (A byte
 * order mark at the start is dropped with the first change.)
 * @returns undefined when nothing changes: send the caller's own bytes.
 * @public
 */
export function spliceRequest(request: DecodedRequest, edits: RequestEdits): Uint8Array | undefined {
  const members = new Map<string, string>(Object.entries(edits.members ?? {}));
  if (edits.model !== undefined && edits.model !== request.model) members.set('model', JSON.stringify(edits.model));
  if (edits.includeUsage === true && !request.wantsUsageChunk) members.set('stream_options', withIncludeUsage(request));
  const text = setMembers(request.text, request.members, members, new Set(edits.remove));
  return text === request.text ? undefined : utf8.encode(text);
}

/** Sets members of the JSON object that `text` is, and takes those out that go: `values` holds JSON text by member name. */
function setMembers(
  text: string,
  members: ReadonlyMap<string, MemberRange>,
  values: ReadonlyMap<string, string>,
  removed: ReadonlySet<string> = NONE,
): string {
  const names = [...members.keys()];
  const entries = [...members.values()].map(({ keyStart, valueEnd }) => ({ start: keyStart, end: valueEnd }));
  const isGone = (name: string): boolean => removed.has(name) && !values.has(name);
  const splices = [...entryCuts(entries, (index) => isGone(names[index] ?? ''))];
  const staying = members.size - splices.length;
  let added = '';
  for (const [name, value] of values) {
    const range = members.get(name);
    if (range !== undefined)
      splices.push({ start: range.valueStart, end: range.valueEnd, text: value, order: SPLICE_ORDER.value });
    else added += `${staying > 0 || added !== '' ? ',' : ''}${JSON.stringify(name)}:${value}`;
  }
  if (added !== '') {
    const end = endOfMembers(text, members);
    splices.push({ start: end, end, text: added, order: SPLICE_ORDER.behind });
  }
  return splicedText(text, splices);
}

function endOfMembers(text: string, members: ReadonlyMap<string, MemberRange>): number {
  let end = text.indexOf('{') + 1;
  for (const range of members.values()) end = Math.max(end, range.valueEnd);
  return end;
}

function withIncludeUsage(request: DecodedRequest): string {
  const range = request.members.get('stream_options');
  if (range === undefined || !isObject(request.body['stream_options'])) return '{"include_usage":true}';
  const text = request.text.slice(range.valueStart, range.valueEnd);
  // The whole body has been scanned, so a part of it has no fault.
  const scan = scanJson(text, { maxDepth: Infinity, maxObjectKeys: Infinity, maxContainers: Infinity });
  if (scan.kind === 'fault') throw new FarthingError('internal', `stream_options: ${scan.reason}`);
  return setMembers(text, scan.members, new Map([['include_usage', 'true']]));
}
