import { FarthingError } from '../../core/errors.ts';
import { QUOTE } from '../json-codes.ts';
import { unescaped } from '../json-string.ts';
import { hasLoneSurrogate } from '../lone-surrogate.ts';
import type { JsonPath, JsonRange, JsonRanges } from './json-ranges.ts';
import { checkNothingLost, entryCuts } from './list-changes.ts';
import type { RequestEdit } from './request-edit.ts';
import { SPLICE_ORDER, type TextSplice } from './text-splices.ts';

/** How a string is dressed to become a block that can carry a mark: what stands before it, and behind it and its mark. @internal */
export interface BlockDress {
  readonly opening: string;
  readonly closing: string;
}

interface ObjectChanges {
  readonly range: JsonRange;
  readonly values: Map<string, string>;
  readonly gone: Set<string>;
}

/** Gathers edits and finds the splices of the text that they come to. @internal */
export class EditPlan {
  readonly #ranges: JsonRanges;
  readonly #dressOf: (path: JsonPath) => BlockDress;
  readonly #splices: TextSplice[] = [];
  readonly #changed: JsonRange[] = [];
  readonly #gone: JsonRange[] = [];
  readonly #goneStarts = new Set<number>();
  /** By the offset of the array: indices of what goes. */
  readonly #goneElements = new Map<number, { readonly array: JsonRange; readonly indices: Set<number> }>();
  readonly #objects = new Map<number, ObjectChanges>();
  readonly #dressed = new Set<number>();

  constructor(ranges: JsonRanges, dressOf: (path: JsonPath) => BlockDress) {
    this.#ranges = ranges;
    this.#dressOf = dressOf;
  }

  add(edit: RequestEdit): void {
    switch (edit.kind) {
      case 'replace-text':
        return this.#replaceText(edit.path, edit.text);
      case 'replace':
        return this.#replace(this.#rangeAt(edit.path), edit.json);
      case 'remove':
        return this.#remove(edit.path);
      case 'insert':
        return this.#insert(edit.path, edit.where, edit.json);
      case 'set-member':
        return this.#setMember(edit.path, edit.name, edit.json);
      case 'remove-member':
        return this.#removeMember(edit.path, edit.name);
      case 'mark':
        return this.#mark(edit.path, edit.name, edit.json);
    }
  }

  /** @throws FarthingError `internal` where one edit would undo another. */
  splices(): readonly TextSplice[] {
    const splices = [...this.#splices];
    for (const changes of this.#objects.values()) splices.push(...this.#memberSplices(changes));
    for (const { array, indices } of this.#goneElements.values()) {
      splices.push(...entryCuts(this.#ranges.elementsOf(array), (index) => indices.has(index)));
    }
    checkNothingLost(this.#gone, this.#changed);
    return splices;
  }

  #rangeAt(path: JsonPath): JsonRange {
    return this.#ranges.rangeAt(path) ?? refuse(path, 'nothing stands there');
  }

  #replaceText(path: JsonPath, text: string): void {
    const range = this.#rangeAt(path);
    if (!this.#isString(range)) refuse(path, 'no string stands there');
    if (hasLoneSurrogate(text)) refuse(path, 'the text holds half of a surrogate pair');
    this.#changed.push(range);
    // Otherwise escapes would be written anew where nothing changes.
    if (unescaped(this.#ranges.text, range.start + 1, range.end - 1) === text) return;
    this.#splices.push({ ...range, text: JSON.stringify(text), order: SPLICE_ORDER.value });
  }

  #replace(range: JsonRange, json: string): void {
    this.#changed.push(range);
    this.#splices.push({ ...range, text: json, order: SPLICE_ORDER.value });
  }

  #remove(path: JsonPath): void {
    const index = path.at(-1);
    if (typeof index !== 'number') return refuse(path, 'it is no element of an array');
    this.#takeOut(path, this.#rangeAt(path));
    const array = this.#rangeAt(path.slice(0, -1));
    const gone = this.#goneElements.get(array.start) ?? { array, indices: new Set() };
    gone.indices.add(index);
    this.#goneElements.set(array.start, gone);
  }

  #insert(path: JsonPath, where: 'before' | 'after', json: string): void {
    if (typeof path.at(-1) !== 'number') refuse(path, 'it is no element of an array');
    const range = this.#rangeAt(path);
    this.#changed.push(range);
    if (where === 'before') this.#put(range.start, `${json},`, SPLICE_ORDER.before);
    else this.#put(range.end, `,${json}`, SPLICE_ORDER.behind);
  }

  #setMember(path: JsonPath, name: string, json: string): void {
    const changes = this.#objectAt(path);
    if (changes.values.has(name) || changes.gone.has(name)) refuse(path, 'two edits change one member');
    changes.values.set(name, json);
    const member = this.#ranges.memberOf(changes.range, name);
    this.#changed.push(member ?? changes.range);
  }

  #removeMember(path: JsonPath, name: string): void {
    const changes = this.#objectAt(path);
    if (changes.values.has(name)) refuse(path, 'two edits change one member');
    const member = this.#ranges.membersOf(changes.range).get(name);
    if (member === undefined) return refuse([...path, name], 'nothing stands there');
    this.#takeOut(path, { start: member.keyStart, end: member.valueEnd });
    changes.gone.add(name);
  }

  #mark(path: JsonPath, name: string, json: string): void {
    const range = this.#rangeAt(path);
    if (!this.#isString(range)) return this.#setMember(path, name, json);
    if (this.#dressed.has(range.start)) refuse(path, 'two edits mark it');
    this.#dressed.add(range.start);
    this.#changed.push(range);
    const { opening, closing } = this.#dressOf(path);
    this.#put(range.start, opening, SPLICE_ORDER.opening);
    this.#put(range.end, `,${JSON.stringify(name)}:${json}${closing}`, SPLICE_ORDER.closing);
  }

  #takeOut(path: JsonPath, range: JsonRange): void {
    if (this.#goneStarts.has(range.start)) refuse(path, 'two edits take it out');
    this.#goneStarts.add(range.start);
    this.#gone.push(range);
  }

  #put(at: number, text: string, order: number): void {
    this.#splices.push({ start: at, end: at, text, order });
  }

  #isString(range: JsonRange): boolean {
    return this.#ranges.text.charCodeAt(range.start) === QUOTE;
  }

  #objectAt(path: JsonPath): ObjectChanges {
    const range = this.#rangeAt(path);
    if (this.#ranges.text[range.start] !== '{') refuse(path, 'no object stands there');
    const changes = this.#objects.get(range.start) ?? { range, values: new Map(), gone: new Set() };
    this.#objects.set(range.start, changes);
    return changes;
  }

  #memberSplices({ range, values, gone }: ObjectChanges): readonly TextSplice[] {
    const members = this.#ranges.membersOf(range);
    const names = [...members.keys()];
    const entries = [...members.values()].map(({ keyStart, valueEnd }) => ({ start: keyStart, end: valueEnd }));
    const splices: TextSplice[] = [...entryCuts(entries, (index) => gone.has(names[index] ?? ''))];
    let hasMembers = members.size > gone.size;
    let added = '';
    for (const [name, json] of values) {
      const value = this.#ranges.memberOf(range, name);
      if (value !== undefined) splices.push({ ...value, text: json, order: SPLICE_ORDER.value });
      else {
        added += `${hasMembers ? ',' : ''}${JSON.stringify(name)}:${json}`;
        hasMembers = true;
      }
    }
    const end = entries.at(-1)?.end ?? range.start + 1;
    if (added !== '') splices.push({ start: end, end, text: added, order: SPLICE_ORDER.behind });
    return splices;
  }
}

function refuse(path: JsonPath, fault: string): never {
  const place = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  throw new FarthingError('internal', `an edit of a request at \`${place}\` cannot be made: ${fault}`);
}
