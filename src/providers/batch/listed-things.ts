import type { Provider } from '../../ports/provider.ts';
import { listedPage } from '../../wire/batch/list-page.ts';
import type { JsonObject } from '../../wire/request-guards.ts';
import { askJson, unreadable } from './ask-provider.ts';

/** What is listed. @internal */
export interface ListAsk {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The name of the query's member that takes the id behind which a page begins. */
  readonly cursor: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly keyIndex: number | undefined;
  /** The list, to stand behind "refused". */
  readonly what: string;
}

/** Pages that are asked for at most. Ours: of a hundred batches each, far more than any account makes in the time that is looked at. */
const MAX_PAGES = 1000;

/**
 * The things of a list, page after page.
 * @throws FarthingError `provider-broken` for pages that cannot be read or do not end: what is not found may still be there.
 * @internal
 */
export async function* listedThings(provider: Provider, ask: ListAsk): AsyncGenerator<JsonObject> {
  let lastId: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = new URLSearchParams(ask.query);
    if (lastId !== undefined) query.set(ask.cursor, lastId);
    const { headers, keyIndex, what } = ask;
    // oxlint-disable-next-line no-await-in-loop -- a page names the next
    const answer = await askJson(
      provider,
      { method: 'GET', path: `${ask.path}?${query.toString()}`, headers, keyIndex },
      what,
    );
    const listed = listedPage(answer);
    if (listed === undefined) throw unreadable(provider, what, 'is no list');
    yield* listed.things;
    if (listed.lastId === undefined) return;
    if (listed.lastId === lastId) break;
    lastId = listed.lastId;
  }
  throw unreadable(provider, ask.what, 'does not end');
}
