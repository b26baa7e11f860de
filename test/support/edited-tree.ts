import type { Endpoint } from '../../src/core/model/protocol.ts';
import type { DecodedRequest } from '../../src/wire/decoded-request.ts';
import type { JsonPath } from '../../src/wire/prompt/json-ranges.ts';
import type { RequestEdit } from '../../src/wire/prompt/request-edit.ts';

/** A JSON value in which numbers, strings and the rest stand as they were written. @internal */
export type SourceTree =
  | { kind: 'lexeme'; text: string }
  | { kind: 'list'; items: SourceTree[] }
  | { kind: 'object'; members: Map<string, SourceTree> };

/** What becomes of a node beside what it holds. */
interface Fate {
  isGone?: boolean;
  before: string[];
  after: string[];
}

/** @internal */
export function sourceTree(text: string): SourceTree {
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }): SourceTree => {
    if (context?.source !== undefined) return { kind: 'lexeme', text: context.source };
    if (Array.isArray(value)) return { kind: 'list', items: value };
    return { kind: 'object', members: new Map(Object.entries(Object(value))) };
  };
  return JSON.parse(text, reviver);
}

/** The tree as JSON without white space. @internal */
export function printed(tree: SourceTree): string {
  if (tree.kind === 'lexeme') return tree.text;
  if (tree.kind === 'list') return `[${tree.items.map(printed).join(',')}]`;
  return `{${[...tree.members].map(([name, value]) => `${JSON.stringify(name)}:${printed(value)}`).join(',')}}`;
}

/** Does to a tree what edits do to a text, in the plainest way. @internal */
export function editedTree(tree: SourceTree, edits: readonly RequestEdit[], endpoint: Endpoint): SourceTree {
  const fates = new Map<SourceTree, Fate>();
  const nodes = edits.map((edit) => nodeAt(tree, edit.path));
  // Marks last: they dress what the others leave.
  const inOrder = edits.map((edit, index) => ({ edit, node: nodes[index] ?? tree }));
  for (const { edit, node } of inOrder) if (edit.kind !== 'mark') apply(edit, node, fates);
  for (const { edit, node } of inOrder) if (edit.kind === 'mark') dress(edit, node, endpoint);
  settle(tree, fates);
  return tree;
}

function nodeAt(tree: SourceTree, path: JsonPath): SourceTree {
  let node: SourceTree | undefined = tree;
  for (const step of path) {
    if (node?.kind === 'list') node = node.items[Number(step)];
    else node = node?.kind === 'object' ? node.members.get(String(step)) : undefined;
  }
  if (node === undefined) throw new Error('no such place');
  return node;
}

function apply(edit: RequestEdit, node: SourceTree, fates: Map<SourceTree, Fate>): void {
  const fate = fates.get(node) ?? { before: [], after: [] };
  fates.set(node, fate);
  if (edit.kind === 'replace-text' && node.kind === 'lexeme') {
    if (JSON.parse(node.text) !== edit.text) node.text = JSON.stringify(edit.text);
  } else if (edit.kind === 'replace')
    Object.assign(node, { items: undefined, members: undefined }, sourceTree(edit.json));
  else if (edit.kind === 'remove') fate.isGone = true;
  else if (edit.kind === 'insert') fate[edit.where].push(edit.json);
  else if (edit.kind === 'set-member' && node.kind === 'object') node.members.set(edit.name, sourceTree(edit.json));
  else if (edit.kind === 'remove-member' && node.kind === 'object') node.members.delete(edit.name);
}

function dress(edit: RequestEdit & { kind: 'mark' | 'set-member' }, node: SourceTree, endpoint: Endpoint): void {
  const value = sourceTree(edit.json);
  if (node.kind === 'object') {
    node.members.set(edit.name, value);
    return;
  }
  const type = endpoint === 'responses' ? '"input_text"' : '"text"';
  const block: SourceTree = {
    kind: 'object',
    members: new Map<string, SourceTree>([
      ['type', { kind: 'lexeme', text: type }],
      ['text', { ...node }],
      [edit.name, value],
    ]),
  };
  const isElement = typeof edit.path.at(-1) === 'number';
  const list: SourceTree = { kind: 'list', items: [block] };
  const said: SourceTree = {
    kind: 'object',
    members: new Map([
      ['role', sourceTree('"user"')],
      ['content', list],
    ]),
  };
  const whole: SourceTree = endpoint === 'responses' && edit.path.length === 1 ? { kind: 'list', items: [said] } : list;
  Object.assign(node, { text: undefined }, isElement ? block : whole);
}

function settle(tree: SourceTree, fates: ReadonlyMap<SourceTree, Fate>): void {
  if (tree.kind === 'object') for (const value of tree.members.values()) settle(value, fates);
  if (tree.kind !== 'list') return;
  tree.items = tree.items.flatMap((item) => {
    settle(item, fates);
    const fate = fates.get(item);
    if (fate === undefined) return [item];
    return [...fate.before.map(sourceTree), ...(fate.isGone === true ? [] : [item]), ...fate.after.map(sourceTree)];
  });
}

/** Edits that fit a request and each other, drawn by numbers. @internal */
export function fittingEdits(request: DecodedRequest, choices: readonly number[]): readonly RequestEdit[] {
  const places = placesIn(request.body, []).filter(({ path }) => path[0] !== 'model' && path[0] !== 'max_tokens');
  const taken: JsonPath[] = [];
  const edits: RequestEdit[] = [];
  for (const choice of choices) {
    const place = places[choice % Math.max(places.length, 1)];
    if (place === undefined || place.path.length < 2) continue;
    // Neither what another edit has changed, nor what it is in, nor what is in it.
    if (taken.some((other) => other.every((step, depth) => place.path[depth] === step || depth >= place.path.length)))
      continue;
    const edit = editOf(place, Math.floor(choice / 7) % 8);
    if (edit === undefined) continue;
    taken.push(place.path);
    edits.push(edit);
  }
  return edits;
}

interface Place {
  readonly path: JsonPath;
  readonly value: unknown;
  readonly isLastMessage: boolean;
}

function placesIn(value: unknown, path: JsonPath, isLast = false): readonly Place[] {
  const own: Place = { path, value, isLastMessage: isLast };
  if (Array.isArray(value)) {
    return [own, ...value.flatMap((each, index) => placesIn(each, [...path, index], path.length === 1 && index === 0))];
  }
  if (typeof value !== 'object' || value === null) return [own];
  return [own, ...Object.entries(value).flatMap(([name, each]) => placesIn(each, [...path, name]))];
}

function editOf({ path, value, isLastMessage }: Place, kind: number): RequestEdit | undefined {
  const isElement = typeof path.at(-1) === 'number';
  const isMember = path.at(-1) !== 'role' && path.length > 2;
  if (kind === 0 && typeof value === 'string' && isMember) return { kind: 'replace-text', path, text: 'new "é" /' };
  if (kind === 1 && isElement && !isLastMessage) return { kind: 'remove', path };
  if (kind === 2 && isElement)
    return { kind: 'insert', path, where: 'before', json: '{"role":"user","content":[1.0]}' };
  if (kind === 3 && isElement) return { kind: 'insert', path, where: 'after', json: '{"role":"user","content":"x"}' };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (kind === 4 && isObject) return { kind: 'set-member', path, name: 'x', json: '{"a":1.0}' };
  const name = isObject && isMember ? Object.keys(value)[0] : undefined;
  if (kind === 6 && name !== undefined && name !== 'role') return { kind: 'remove-member', path, name };
  if (kind === 7 && isMember) return { kind: 'replace', path, json: '[1.0,{"a":1.0}]' };
  const canMark = isObject || (typeof value === 'string' && path.at(-1) === 'content');
  return kind === 5 && canMark
    ? { kind: 'mark', path, name: 'cache_control', json: '{"type":"ephemeral"}' }
    : undefined;
}
