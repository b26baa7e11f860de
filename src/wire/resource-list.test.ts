import { expect, test } from 'vitest';
import { isListed, listBody, listPage } from './resource-list.ts';

const page = (protocol: 'openai' | 'anthropic', query: string): ReturnType<typeof listPage> =>
  listPage(protocol, new URLSearchParams(query));

test('a list without a query has 20 things, the newest first', () => {
  const { rest, ...plain } = page('openai', '');
  expect(plain).toEqual({ limit: 20, order: 'newest', cursor: undefined, members: {} });
  expect(rest.size).toBe(0);
});

test('each protocol has its own names for the cursor', () => {
  expect(page('openai', 'after=a').cursor).toEqual({ side: 'after', id: 'a', param: 'after' });
  expect(page('openai', 'before=a&order=asc')).toMatchObject({ cursor: { side: 'before' }, order: 'oldest' });
  expect(page('anthropic', 'after_id=a').cursor).toEqual({ side: 'after', id: 'a', param: 'after_id' });
  expect(page('anthropic', 'before_id=a').cursor).toMatchObject({ side: 'before', id: 'a' });
  expect(page('anthropic', 'after=a').cursor).toBeUndefined();
});

test('what speaks of the page stays here, the rest goes on', () => {
  expect(page('openai', 'limit=3&order=asc&after=a&purpose=batch&beta=true').rest.toString()).toBe('beta=true');
});

test('a limit above a page is met with pages', () => {
  expect(page('openai', 'limit=10000').limit).toBe(100);
});

test.each(['limit=0', 'limit=-1', 'limit=x', 'limit=', 'order=up', 'after=a&before=b'])('%s is refused', (query) => {
  expect(() => page('openai', query)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
});

test('a filter asks for equality with a member', () => {
  const batches = page('openai', 'purpose=batch');
  expect(isListed({ purpose: 'batch' }, batches)).toBe(true);
  expect(isListed({ purpose: 'user_data' }, batches)).toBe(false);
});

test('a list has the shape of its protocol', () => {
  const things = [{ id: 'a' }, { id: 'b' }];
  const ends = { first_id: 'a', last_id: 'b', has_more: true };
  expect(JSON.parse(listBody('openai', things, true))).toEqual({ object: 'list', data: things, ...ends });
  expect(JSON.parse(listBody('anthropic', things, true))).toEqual({ data: things, ...ends });
  expect(JSON.parse(listBody('anthropic', [], false))).toEqual({
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
});
