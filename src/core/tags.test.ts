import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFarthingError } from './errors.ts';
import type { Caller } from './model/caller.ts';
import { bodyTags, callTags, MAX_TAGS, parseTags } from './tags.ts';

const caller: Caller = { project: 'p', keyId: 'k' };

test('tags are read in order, values percent-decoded', () => {
  expect(parseTags('user=alice, feature=a%2Cb')).toEqual({ user: 'alice', feature: 'a,b' });
});

test.each(['=x', 'User=x', 'user', 'user=', `user=${'x'.repeat(129)}`, 'user=%zz', `a=1,${'b=1,'.repeat(MAX_TAGS)}`])(
  '"%s" is refused by name',
  (header) => {
    expect(() => parseTags(header)).toThrow(/x-farthing-tags/);
  },
);

test('any header either gives tags or a client error', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      try {
        for (const value of Object.values(parseTags(header))) expect(value).not.toBe('');
      } catch (error) {
        expect(isFarthingError(error) && error.status).toBe(400);
      }
    }),
  );
});

test('what the key pins wins over the header, the header over the body', () => {
  const pinned = { ...caller, pinnedTags: { user: 'team' } };
  expect(callTags(pinned, { user: 'body' }, { user: 'header', feature: 'f' })).toEqual({ user: 'team', feature: 'f' });
  expect(callTags(caller, { user: 'body' }, { user: 'header' })).toEqual({ user: 'header' });
});

test('a call without a tag that its key demands is refused', () => {
  expect(() => callTags({ ...caller, requiredTags: ['user'] }, {}, {})).toThrow(/demands the tag "user"/);
  expect(callTags({ ...caller, requiredTags: ['user'] }, { user: 'alice' }, {})).toEqual({ user: 'alice' });
});

test('the user comes from safety_identifier, user or metadata.user_id', () => {
  expect(bodyTags({ safety_identifier: 'a', user: 'b' })).toEqual({ user: 'a' });
  expect(bodyTags({ user: 'b' })).toEqual({ user: 'b' });
  expect(bodyTags({ metadata: { user_id: 'c' } })).toEqual({ user: 'c' });
  expect(bodyTags({ metadata: null, user: 7 })).toEqual({});
});
