import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isGatewaySecret, issueKey, keyVerdict, limitKey, revokeKey, rotateKey } from './gateway-key.ts';

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''));
const entropy = { secretHex: 'ab'.repeat(32), idHex: '0123456789abcdef' };
const terms = { name: 'laptop', project: 'search' };

test('a secret carries all 256 random bits as base64url', () => {
  fc.assert(
    fc.property(hex(64), hex(16), (secretHex, idHex) => {
      const { secret, record } = issueKey(terms, { secretHex, idHex }, 1, sha256Hex);
      expect(isGatewaySecret(secret)).toBe(true);
      expect(Buffer.from(secret.slice(3), 'base64url').toString('hex')).toBe(secretHex);
      expect(record.secretSha256).toBe(sha256Hex(secret));
      expect(record.keyId).toBe(`key_${idHex}`);
    }),
  );
});

test('a key is never made of too few random bits', () => {
  expect(() => issueKey(terms, { ...entropy, secretHex: 'ab'.repeat(31) }, 1, sha256Hex)).toThrow(RangeError);
  expect(() => issueKey(terms, { ...entropy, idHex: 'abc' }, 1, sha256Hex)).toThrow(RangeError);
});

test('a record does not hold its secret', () => {
  const { secret, record } = issueKey(terms, entropy, 1, sha256Hex);
  expect(JSON.stringify(record)).not.toContain(secret.slice(3));
});

test.each(['', 'fk-', 'fk-demo', `fk-${'a'.repeat(42)}`, `fk-${'a'.repeat(44)}`, `fk-${'a'.repeat(42)}!`])(
  '%j does not have the form of a secret',
  (text) => {
    expect(isGatewaySecret(text)).toBe(false);
  },
);

test('a key works up to its end and not at it', () => {
  expect(keyVerdict({ expiresAtMs: 10, revokedAtMs: undefined }, 9)).toBe('valid');
  expect(keyVerdict({ expiresAtMs: 10, revokedAtMs: undefined }, 10)).toBe('expired');
  expect(keyVerdict({ expiresAtMs: undefined, revokedAtMs: undefined }, 1e15)).toBe('valid');
});

test('a revoked key stays revoked, also past its end, and keeps its first date', () => {
  const { record } = issueKey({ ...terms, expiresAtMs: 50 }, entropy, 1, sha256Hex);
  const revoked = revokeKey(revokeKey(record, 20), 30);
  expect(revoked.revokedAtMs).toBe(20);
  expect(keyVerdict(revoked, 60)).toBe('revoked');
});

test('a rotated key hands on its limits, and the old one ends after the grace period or at its own earlier end', () => {
  const limits = { allowedModels: ['a'], pinnedTags: { user: 'alice' }, requiredTags: ['feature'], expiresAtMs: 1000 };
  const { record } = issueKey({ ...terms, ...limits }, entropy, 1, sha256Hex);
  const next = { secretHex: 'cd'.repeat(32), idHex: 'f'.repeat(16) };
  const { issued, retired } = rotateKey(record, 100, next, 10, sha256Hex);
  expect(issued.record).toMatchObject({ ...terms, ...limits, keyId: `key_${'f'.repeat(16)}`, createdAtMs: 10 });
  expect(retired).toEqual({ ...record, expiresAtMs: 110 });
  expect(rotateKey(record, 5000, next, 10, sha256Hex).retired.expiresAtMs).toBe(1000);
});

test('a priority is kept by a rotation, and a key without one says nothing of it', () => {
  const { record } = issueKey({ ...terms, priority: 'batch' }, entropy, 1, sha256Hex);
  expect(record.priority).toBe('batch');
  expect(rotateKey(record, 0, { ...entropy, idHex: 'f'.repeat(16) }, 2, sha256Hex).issued.record.priority).toBe(
    'batch',
  );
  expect(issueKey(terms, entropy, 1, sha256Hex).record).not.toHaveProperty('priority');
});

test('limits are kept by a rotation, can be changed and taken away', () => {
  const limits = { maxConcurrent: 2, requestsPerMinute: 60 };
  const { record } = issueKey({ ...terms, limits }, entropy, 1, sha256Hex);
  expect(rotateKey(record, 0, { ...entropy, idHex: 'f'.repeat(16) }, 2, sha256Hex).issued.record.limits).toEqual(
    limits,
  );
  expect(limitKey(record, { maxConcurrent: 1 })).toEqual({ ...record, limits: { maxConcurrent: 1 } });
  expect(limitKey(record, undefined)).not.toHaveProperty('limits');
  expect(issueKey(terms, entropy, 1, sha256Hex).record).not.toHaveProperty('limits');
});
