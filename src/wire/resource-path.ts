import { RESOURCE_KINDS, type ResourceKind } from '../core/model/resource.ts';
import { hasIdPrefix, type NamedId } from './named-ids.ts';

/** What a path below `/v1` stands for. @internal */
export type PathMeaning =
  /** Nothing that a provider keeps: images, speech. */
  | { readonly kind: 'other' }
  /** Cannot be read, so that nobody knows what a provider reads. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'collection'; readonly of: ResourceKind }
  /** Something that is done with ids in the body, and makes nothing that is kept. */
  | { readonly kind: 'action'; readonly of: ResourceKind }
  | {
      readonly kind: 'resource';
      readonly of: ResourceKind;
      readonly id: string;
      /** What stands behind the id: `content`, `cancel`, a collection inside it. */
      readonly rest: readonly string[];
    };

/** Words in the place of an id that are actions. */
const ACTIONS: ReadonlySet<string> = new Set(['responses/compact', 'responses/input_tokens']);

/** Actions on one thing that make another of its kind. */
const MAKING_ACTIONS: ReadonlySet<string> = new Set(['videos/remix']);

/** Collections by their path; those without one are left out. */
const COLLECTIONS: ReadonlyMap<string, ResourceKind> = new Map(
  RESOURCE_KINDS.filter((kind) => kind !== 'items').map((kind) => [kind, kind]),
);

/**
 * Reads a path. Escapes are undone and collections found in any case, as a provider may do it too: a spelling that we take for another address would
 * be a way around.
 * @param path - Without the query; begins with `/v1/`.
 * @internal
 */
export function pathMeaning(path: string): PathMeaning {
  const segments = segmentsOf(path);
  if (segments === undefined) return { kind: 'unreadable' };
  const [first = '', second = ''] = segments.map((segment) => segment.toLowerCase());
  const nested = COLLECTIONS.get(`${first}/${second}`);
  const of = nested ?? COLLECTIONS.get(first);
  if (of === undefined) return { kind: 'other' };
  const [id, ...rest] = segments.slice(nested === undefined ? 1 : 2);
  if (id === undefined) return { kind: 'collection', of };
  return ACTIONS.has(`${of}/${id.toLowerCase()}`) ? { kind: 'action', of } : { kind: 'resource', of, id, rest };
}

/** Whether a POST to the path makes something that is kept under the `id` of its reply. @internal */
export function isMaking(meaning: PathMeaning): boolean {
  if (meaning.kind === 'collection') return true;
  return meaning.kind === 'resource' && MAKING_ACTIONS.has(`${meaning.of}/${meaning.rest.join('/').toLowerCase()}`);
}

/**
 * The ids that an address names: the one behind a collection, and whatever in path or query begins as ids do. Things inside a thing (a container's
 * files, a conversation's items) belong to whom it belongs to, and are not asked for.
 * @internal
 */
export function addressIds(path: string, query: URLSearchParams): readonly NamedId[] {
  const meaning = pathMeaning(path);
  const own = meaning.kind === 'resource' ? meaning.id : undefined;
  const others = (segmentsOf(path) ?? []).filter((segment) => segment !== own && hasIdPrefix(segment));
  const inPath = [...(own === undefined ? [] : [own]), ...others].map((id) => ({ id, param: 'id' }));
  const inQuery = [...query].filter(([, value]) => hasIdPrefix(value)).map(([param, id]) => ({ id, param }));
  return [...inPath, ...inQuery];
}

/** What stands between the slashes behind `/v1`, a slash at the end left out. Undefined for escapes that are none. */
function segmentsOf(path: string): readonly string[] | undefined {
  try {
    const segments = path.split('/').slice(2).map(decodeURIComponent);
    return segments.at(-1) === '' ? segments.slice(0, -1) : segments;
  } catch {
    return undefined;
  }
}
