import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

test('a slip of the fingers finds the name that was meant, whatever its case', () => {
  const known = ['memory', 'mode', 'ttl', 'maxBody'];
  expect(['memmory', 'MODE', 'tll', 'maxbody'].map((name) => nearestName(name, known))).toEqual([
    'memory',
    'mode',
    'ttl',
    'maxBody',
  ]);
});

test('what resembles nothing gets no suggestion', () => {
  expect(nearestName('colour', ['ttl', 'mode'])).toBeUndefined();
  expect(nearestName('x'.repeat(10_000), ['ttl'])).toBeUndefined();
});
