import type { JsonPath } from './json-ranges.ts';

/**
 * One change of a request's body. Paths are those of the request as it was before any of its edits.
 *
 * - `replace-text`: the JSON string at the path holds another text.
 * - `replace`: another value, as JSON text, stands at the path.
 * - `remove`: the element of an array goes, with its comma.
 * - `insert`: a new element, as JSON text, stands before or after the one at the path. Several at one place stand in the order of the edits.
 * - `set-member`: a member of the object at the path (`[]`: of the body) has this value, as JSON text. A new one stands last.
 * - `remove-member`: the member goes, with its comma.
 * - `mark`: as `set-member` where a block stands at the path. Where a string does, it becomes the text of a block that has the member, in a list of its own
 *   where it is no element of one.
 * @public
 */
export type RequestEdit =
  | { readonly kind: 'replace-text'; readonly path: JsonPath; readonly text: string }
  | { readonly kind: 'replace'; readonly path: JsonPath; readonly json: string }
  | { readonly kind: 'remove'; readonly path: JsonPath }
  | { readonly kind: 'insert'; readonly path: JsonPath; readonly where: 'before' | 'after'; readonly json: string }
  | { readonly kind: 'set-member' | 'mark'; readonly path: JsonPath; readonly name: string; readonly json: string }
  | { readonly kind: 'remove-member'; readonly path: JsonPath; readonly name: string };
