import { expect, test } from 'vitest';
import { formatRouteFacts } from './route-facts.ts';

test('what routing decided is one header value, of what there is', () => {
  expect(
    formatRouteFacts({
      route: 'support',
      reason: 'score',
      score: 0.312_345,
      threshold: 0.4,
      policyVersion: '1f2e',
      calibration: '2.400',
    }),
  ).toBe('support; reason=score; score=0.3123; threshold=0.4; policy=1f2e; calibration=2.400');
  expect(formatRouteFacts({ route: '', reason: 'opted-out', policyVersion: '' })).toBe('none; reason=opted-out');
});
