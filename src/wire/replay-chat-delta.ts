import { objectOf } from './reply-fields.ts';
import { copyFields, emptyFields, isExactNumber } from './replay-json.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Fields whose pieces are joined. Every other text (role, id, type, name, channel ...) is stated, so a later one replaces it. */
const JOINED_TEXTS: ReadonlySet<string> = new Set([
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'arguments',
  'input',
  'transcript',
  'data',
  'text',
  'summary',
  'thinking',
]);

type Entry = Record<string, unknown>;

/**
 * Adds a delta to the message that it continues: texts are joined, list entries go to the entry of the same `index` or to the end, stated values
 * are replaced, null never replaces anything. Fields that are not known follow the same rules.
 * @internal
 */
export function addDelta(message: Entry, delta: Fields): void {
  for (const [name, value] of Object.entries(delta)) message[name] = joined(name, message[name], value);
}

function joined(name: string, earlier: unknown, later: unknown): unknown {
  if (later === null || later === undefined) return earlier ?? null;
  if (Array.isArray(later)) return joinedLists(name, earlier, later);
  if (typeof later === 'string') {
    if (Array.isArray(earlier))
      return later === '' ? earlier : joinedLists(name, earlier, [{ type: 'text', text: later }]);
    if (typeof earlier !== 'string') return later;
    if (JOINED_TEXTS.has(name)) return earlier + later;
    return later === '' ? earlier : later;
  }
  const fields = mergeable(later);
  const target = mergeable(earlier);
  if (fields === undefined) return later;
  const merged = target ?? emptyFields();
  addDelta(merged, fields);
  return merged;
}

/** An object that fields may be added to; a number kept as it was written is none. */
function mergeable(value: unknown): Entry | undefined {
  return isExactNumber(value) ? undefined : objectOf(value);
}

function joinedLists(name: string, earlier: unknown, later: readonly unknown[]): unknown[] {
  const list: unknown[] = Array.isArray(earlier) ? earlier : [];
  if (typeof earlier === 'string' && earlier !== '') list.push({ type: 'text', text: earlier });
  for (const item of later) addItem(name, list, item);
  return list;
}

function addItem(name: string, list: unknown[], item: unknown): void {
  const fields = mergeable(item);
  if (fields === undefined) {
    list.push(item);
    return;
  }
  const target = continued(name, list, fields);
  if (target === undefined) list.push(copied(fields));
  else addDelta(target, fields);
}

/** A copy that is not shared with the event, since later deltas are added to it. */
function copied(fields: Fields): Entry {
  const copy = emptyFields();
  addDelta(copy, fields);
  return copy;
}

/** The entry that a list item continues: that of its `index`, else the last one, where item and entry can belong together. */
function continued(name: string, list: readonly unknown[], item: Fields): Entry | undefined {
  const last = mergeable(list.at(-1));
  const index = item['index'];
  if (typeof index === 'number') {
    const isSame = (entry: unknown): boolean => {
      const fields = objectOf(entry);
      return fields?.['index'] === index && belongs(name, fields, item);
    };
    return isSame(last) ? last : mergeable(list.findLast(isSame));
  }
  if (last === undefined) return undefined;
  if (name === 'tool_calls') return belongs(name, last, item) ? last : undefined;
  // Mistral streams its content as parts of one kind after the other.
  const isText = item['type'] === 'text' || item['type'] === 'thinking';
  return isText && last['type'] === item['type'] && (name === 'content' || name === 'thinking') ? last : undefined;
}

/**
 * Whether a delta can continue an entry. Reasoning details of two kinds may share an index; Gemini gives all parallel tool calls index 0 and
 * tells them apart by id. A delta that repeats neither continues any.
 */
function belongs(name: string, entry: Fields, item: Fields): boolean {
  const field = name === 'tool_calls' ? 'id' : 'type';
  const stated = wordOf(item[field]);
  return stated === undefined || wordOf(entry[field]) === undefined || entry[field] === stated;
}

/** A message ready for deltas. @internal */
export function newMessage(): Entry {
  return copyFields({ role: 'assistant', content: null });
}
