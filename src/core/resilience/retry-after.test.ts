import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const NOW = Date.UTC(2026, 10, 25, 12, 0, 0);

test.each<[Readonly<Record<string, string>>, number | undefined]>([
  [{}, undefined],
  [{ 'retry-after': '7' }, 7000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': ' 1.5 ' }, 1500],
  [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
  [{ 'retry-after-ms': 'soon', 'retry-after': '9' }, 9000],
  [{ 'retry-after': 'Wed, 25 Nov 2026 12:00:30 GMT' }, 30_000],
  [{ 'retry-after': 'Wed, 25 Nov 2026 11:00:00 GMT' }, 0],
  [{ 'retry-after': '2026-11-25' }, undefined],
  [{ 'retry-after': '-3' }, undefined],
  [{ 'retry-after': 'Infinity' }, undefined],
  [{ 'retry-after': '99999999999999999999' }, undefined],
])('%j is %s ms', (headers, waitMs) => {
  expect(retryAfterMs(headers, NOW)).toBe(waitMs);
});

test('of several values the first counts', () => {
  expect(retryAfterMs({ 'retry-after': ['3', '4'] }, NOW)).toBe(3000);
});
