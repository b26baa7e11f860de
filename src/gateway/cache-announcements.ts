import type { CacheKey } from '../core/model/cache-entry.ts';
import type { CacheSelector, ForgetfulCacheStore } from '../ports/cache-store.ts';
import type { Announcement, AnnouncementBoard } from '../ports/control-store.ts';

/** What {@link CacheAnnouncements} is made of. @internal */
export interface CacheAnnouncementsOptions {
  readonly board: AnnouncementBoard;
  readonly cache: Pick<ForgetfulCacheStore, 'forget'>;
  /** Told of every failed operation. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** What was deleted: one entry, or what a selector chooses. @internal */
export type DeletedFromCache = CacheKey | CacheSelector;

const TOPIC = 'cache-delete';

/** A delete must reach every process within 1 s; a quarter of it leaves room for a slow store. */
const POLL_MS = 250;

/** When a delete is applied once more, in milliseconds: a read of a replica that lags may have brought the old answer back. */
const AGAIN_MS = 1000;

/** The most that a board gives at a time: there may be more. */
const FULL_PAGE = 1000;

/**
 * Carries deletes from the cache to the memory of every process. What one announces, all forget within a second. While the board cannot be
 * read nothing is lost: what was announced meanwhile is applied once it can.
 * @internal
 */
export class CacheAnnouncements {
  readonly #options: CacheAnnouncementsOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #again = new Set<NodeJS.Timeout>();
  /** The newest announcement that was taken. A board that does not say where it stands has its whole day read: what is forgotten needlessly is a look below. */
  #last = 0;
  #polling: Promise<void> | undefined;

  private constructor(options: CacheAnnouncementsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#poll(), POLL_MS).unref();
  }

  /** Begins to listen. To be called before the process takes calls. A board that cannot be read is told of, and tried again. */
  static async start(options: CacheAnnouncementsOptions): Promise<CacheAnnouncements> {
    const announcements = new CacheAnnouncements(options);
    try {
      // What is older was deleted before this process had anything in memory.
      announcements.#last = await options.board.newestAnnouncement();
    } catch (error) {
      options.onFault('announcements', error);
    }
    return announcements;
  }

  /**
   * Tells every process of a delete. Resolves once it is on the board.
   * @throws what the board throws: other processes may then still serve what was deleted.
   */
  async announce(deleted: DeletedFromCache): Promise<void> {
    await this.#options.board.announce(TOPIC, JSON.stringify(deleted));
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const timer of this.#again) clearTimeout(timer);
    this.#again.clear();
    await this.#polling;
  }

  #poll(): Promise<void> {
    this.#polling ??= this.#read()
      .catch((error: unknown) => this.#options.onFault('announcements', error))
      .finally(() => {
        this.#polling = undefined;
      });
    return this.#polling;
  }

  async #read(): Promise<void> {
    const { board } = this.#options;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a page begins where the last one ended
      const page = await board.announcementsAfter(this.#last);
      for (const announcement of page) this.#take(announcement);
      this.#last = page.at(-1)?.sequence ?? this.#last;
      if (page.length < FULL_PAGE) return;
    }
  }

  #take({ topic, text }: Announcement): void {
    if (topic !== TOPIC) return;
    const deleted: DeletedFromCache = JSON.parse(text);
    this.#forget(deleted);
    const again = setTimeout(() => {
      this.#again.delete(again);
      this.#forget(deleted);
    }, AGAIN_MS).unref();
    this.#again.add(again);
  }

  #forget(deleted: DeletedFromCache): void {
    this.#options.cache.forget(deleted).catch((error: unknown) => this.#options.onFault('forget', error));
  }
}
