import { isObject, type JsonObject } from '../request-guards.ts';

/** A page of a list of things, as both protocols give it. @internal */
export interface ListedPage {
  readonly things: readonly JsonObject[];
  /** The id behind which the next page begins; undefined: there is none. */
  readonly lastId: string | undefined;
}

/** Reads a page: `{data, has_more, last_id}`. Undefined where it is none. @internal */
export function listedPage(page: JsonObject): ListedPage | undefined {
  const { data, has_more: hasMore, last_id: named } = page;
  if (!Array.isArray(data)) return undefined;
  const things = (data as readonly unknown[]).filter(isObject);
  const lastId = typeof named === 'string' ? named : things.at(-1)?.['id'];
  return { things, lastId: hasMore === true && typeof lastId === 'string' ? lastId : undefined };
}
