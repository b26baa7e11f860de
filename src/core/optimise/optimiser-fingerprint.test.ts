import { expect, test } from 'vitest';
import { DEFAULT_OPTIMIZE, type OptimizePolicy } from '../optimize-policy.ts';
import { optimiserFingerprint } from './optimiser-fingerprint.ts';

function of(policy: Partial<OptimizePolicy>): string {
  return optimiserFingerprint({ ...DEFAULT_OPTIMIZE, ...policy });
}

test('whatever may change an answer is in the fingerprint', () => {
  const all = [
    of({}),
    of({ level: 'lossless' }),
    of({ level: 'light' }),
    of({ level: 'extractive' }),
    of({ level: 'extractive', extract: { keepRatio: 0.3, minTokens: 2000 } }),
    of({ historyMaxTokens: 5000 }),
    of({ unusedTools: ['a'] }),
    of({ images: 'fit' }),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(all[0]).toBe('');
});

test('what is said to the prompt cache changes no answer and is not in it', () => {
  expect(of({ promptCache: 'auto', prefixWaitMs: 1 })).toBe('');
});
