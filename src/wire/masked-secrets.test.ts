import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { secretMask } from './masked-secrets.ts';

const KEY = 'sk-proj-Zt4kQ9vBn2LxWc7JdHy5RfGs8MpA1uEo';

function masked(text: string, ...secrets: readonly string[]): string {
  return Buffer.from(secretMask(secrets)(Buffer.from(text))).toString();
}

describe('a secret in an error', () => {
  test.each([
    ['whole', `Incorrect API key provided: ${KEY}.`, 'Incorrect API key provided: ***.'],
    ['as OpenAI tells it', `provided: ${KEY.slice(0, 8)}${'*'.repeat(28)}${KEY.slice(-4)}. You`, 'provided: ***. You'],
    ['by its end', `the key ...${KEY.slice(-4)} is`, 'the key *** is'],
    ['by its end behind an ellipsis', `the key sk-…${KEY.slice(-4)} is`, 'the key *** is'],
    ['by its beginning', `the key ${KEY.slice(0, 6)}... is`, 'the key *** is'],
    ['cut short', `the key "${KEY.slice(0, 20)}" is`, 'the key "***" is'],
    ['without its beginning', `the key "${KEY.slice(5)}" is`, 'the key "***" is'],
    ['at the start and at the end', `${KEY} is not ${KEY}`, '*** is not ***'],
    ['twice in a row', `${KEY}${KEY}`, '***'],
  ])('%s is masked', (_, text, expected) => {
    expect(masked(text, KEY)).toBe(expected);
  });

  test('is masked as JSON and addresses spell it', () => {
    const strange = 'p%ss"w\\rd/+of=mine';
    expect(masked(JSON.stringify({ message: `no ${strange}` }), strange)).toBe('{"message":"no ***"}');
    expect(masked(`/v1?key=${encodeURIComponent(strange)}&a=1`, strange)).toBe('/v1?key=***&a=1');
  });

  test('is found wherever it stands among any text: no eight characters of it are left', () => {
    const word = fc.string({
      unit: fc.constantFrom('s', 'k', '-', 'p', 'r', 'o', '*', '.', 'Z', 't', '4', 'é', '😀', '"'),
    });
    fc.assert(
      fc.property(
        word,
        word,
        fc.nat(KEY.length - 8),
        fc.integer({ min: 8, max: KEY.length }),
        (one, two, from, count) => {
          const piece = KEY.slice(from, from + count);
          const text = masked(`${one}${piece}${two}`, KEY, 'another-secret');
          for (let at = 0; at + 8 <= KEY.length; at += 1) expect(text).not.toContain(KEY.slice(at, at + 8));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('what holds no secret', () => {
  test('is given back as the same bytes, whatever they are', () => {
    const mask = secretMask([KEY, 'short', '']);
    for (const bytes of [
      Buffer.from('too many requests... try again in 2s ****'),
      Buffer.from([0xff, 0xfe]),
      Buffer.of(),
    ]) {
      expect(mask(bytes)).toBe(bytes);
    }
  });

  test('is not garbled by secrets too short to keep anybody out', () => {
    expect(masked('a test of a test', 'test', '')).toBe('a test of a test');
  });
});
