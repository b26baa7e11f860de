import type { Protocol } from '../core/model/protocol.ts';
import { type JsonObject, refuse } from './request-guards.ts';

/** A page of a list as a client asks for it. @internal */
export interface ListPage {
  readonly limit: number;
  /** `newest`: the newest first, as both protocols have it where nothing else is asked for. */
  readonly order: 'newest' | 'oldest';
  /** The id behind which, or before which, the page lies in that order. */
  readonly cursor: { readonly side: 'after' | 'before'; readonly id: string; readonly param: string } | undefined;
  /** Members that each thing must have: `purpose` of files. */
  readonly members: Readonly<Record<string, string>>;
  /** The rest of the query, which goes to the provider with each thing that is asked for. */
  readonly rest: URLSearchParams;
}

/** Things on a page where the client does not say, as both providers have it. */
const DEFAULT_LIMIT = 20;
/** Most things on a page: each costs a request to the provider. A larger limit is met with pages of this size. */
const MAX_LIMIT = 100;

const CURSORS: Readonly<Record<Protocol, { readonly after: string; readonly before: string }>> = {
  openai: { after: 'after', before: 'before' },
  anthropic: { after: 'after_id', before: 'before_id' },
};

/** Filters that are equality with a member of the thing. */
const FILTERS: readonly string[] = ['purpose', 'name'];

/**
 * Reads the query of a list.
 * @throws FarthingError `invalid-request` that names the parameter.
 * @internal
 */
export function listPage(protocol: Protocol, query: URLSearchParams): ListPage {
  const names = CURSORS[protocol];
  const [after, before] = [query.get(names.after), query.get(names.before)];
  if (after !== null && before !== null) refuse(names.before, `cannot stand beside ${names.after}`);
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') refuse('order', 'must be asc or desc');
  const rest = new URLSearchParams(query);
  const members: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value !== null) members[name] = value;
  }
  for (const name of ['limit', 'order', names.after, names.before, ...FILTERS]) rest.delete(name);
  return {
    limit: limitOf(query.get('limit')),
    order: order === 'asc' ? 'oldest' : 'newest',
    cursor:
      after !== null
        ? { side: 'after', id: after, param: names.after }
        : before === null
          ? undefined
          : { side: 'before', id: before, param: names.before },
    members,
    rest,
  };
}

/** Whether a thing is one that the list was asked for. @internal */
export function isListed(thing: JsonObject, { members }: ListPage): boolean {
  return Object.entries(members).every(([name, value]) => thing[name] === value);
}

/** The body of a list as JSON text, in the protocol's shape. @internal */
export function listBody(protocol: Protocol, things: readonly JsonObject[], hasMore: boolean): string {
  const ends = { first_id: things[0]?.['id'] ?? null, last_id: things.at(-1)?.['id'] ?? null, has_more: hasMore };
  return JSON.stringify(protocol === 'openai' ? { object: 'list', data: things, ...ends } : { data: things, ...ends });
}

function limitOf(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1) refuse('limit', 'must be a whole number of at least 1');
  return Math.min(limit, MAX_LIMIT);
}
