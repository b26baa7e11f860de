import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CacheKey } from '../core/model/cache-entry.ts';
import type { Announcement, AnnouncementBoard } from '../ports/control-store.ts';
import { CacheAnnouncements, type DeletedFromCache } from './cache-announcements.ts';

const KEY = 'a'.repeat(64) as CacheKey;

/** A board in memory that can be made to fail. */
class FakeBoard implements AnnouncementBoard {
  readonly kept: Announcement[] = [];
  isBroken = false;

  async announce(topic: string, text: string): Promise<void> {
    this.#check();
    this.kept.push({ sequence: this.kept.length + 1, topic, text });
  }

  async announcementsAfter(sequence: number): Promise<readonly Announcement[]> {
    this.#check();
    return this.kept.slice(sequence, sequence + 1000);
  }

  async newestAnnouncement(): Promise<number> {
    this.#check();
    return this.kept.length;
  }

  #check(): void {
    if (this.isBroken) throw new Error('the disk is gone');
  }
}

let board: FakeBoard;
const open: CacheAnnouncements[] = [];

beforeEach(() => {
  board = new FakeBoard();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((announcements) => announcements.close()));
});

async function listen(): Promise<{
  readonly announcements: CacheAnnouncements;
  readonly forgotten: DeletedFromCache[];
  readonly faults: string[];
}> {
  const forgotten: DeletedFromCache[] = [];
  const faults: string[] = [];
  const announcements = await CacheAnnouncements.start({
    board,
    cache: { forget: async (deleted) => void forgotten.push(deleted) },
    onFault: (operation) => void faults.push(operation),
  });
  open.push(announcements);
  return { announcements, forgotten, faults };
}

test('what one process announces every process forgets, and once more a second later', async () => {
  const [one, two] = [await listen(), await listen()];
  await one.announcements.announce(KEY);
  await one.announcements.announce({ project: 'shop', tag: { name: 'user', value: 'alice' } });
  const both = [KEY, { project: 'shop', tag: { name: 'user', value: 'alice' } }];
  await expect.poll(() => [one.forgotten, two.forgotten], { timeout: 900 }).toEqual([both, both]);
  await expect.poll(() => two.forgotten, { timeout: 2000 }).toEqual([...both, ...both]);
});

test('what was announced before a process began is nothing to it, nor are other topics', async () => {
  await board.announce('cache-delete', JSON.stringify(KEY));
  const { announcements, forgotten } = await listen();
  await board.announce('something-else', 'x');
  await announcements.announce({});
  await expect.poll(() => forgotten).toEqual([{}]);
});

test('more than a page at once is read to its end', async () => {
  const { forgotten } = await listen();
  for (let index = 0; index < 2500; index += 1)
    board.kept.push({ sequence: index + 1, topic: 'cache-delete', text: '{}' });
  await expect.poll(() => forgotten.length).toBe(2500);
});

test('a board that fails is told of; what was announced meanwhile is applied once it works', async () => {
  const { announcements, forgotten, faults } = await listen();
  board.isBroken = true;
  await expect(announcements.announce(KEY)).rejects.toThrow('the disk is gone');
  await expect.poll(() => faults).toContain('announcements');
  board.isBroken = false;
  await board.announce('cache-delete', JSON.stringify(KEY));
  await expect.poll(() => forgotten).toEqual([KEY]);
});

test('a process that began while the board failed hears what was announced then', async () => {
  board.isBroken = true;
  const { forgotten, faults } = await listen();
  expect(faults).toEqual(['announcements']);
  board.isBroken = false;
  await board.announce('cache-delete', JSON.stringify(KEY));
  await expect.poll(() => forgotten).toEqual([KEY]);
});
