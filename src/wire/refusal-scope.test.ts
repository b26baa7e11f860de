import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusalScope } from './refusal-scope.ts';

test('effort, thinking and version are scopes of their own', () => {
  const scopes = [
    refusalScope({ endpoint: 'chat', body: {} }, undefined),
    refusalScope({ endpoint: 'chat', body: { reasoning_effort: 'none' } }, undefined),
    refusalScope({ endpoint: 'chat', body: { reasoning_effort: 'high' } }, undefined),
    refusalScope({ endpoint: 'responses', body: { reasoning: { effort: 'high' } } }, undefined),
    refusalScope({ endpoint: 'messages', body: {} }, '2023-06-01'),
    refusalScope({ endpoint: 'messages', body: {} }, '2026-10-21'),
    refusalScope({ endpoint: 'messages', body: { thinking: { type: 'enabled', budget_tokens: 1024 } } }, '2023-06-01'),
  ];
  expect(new Set(scopes).size).toBe(scopes.length);
});

test('effort is read where each API has it, and null is none', () => {
  const inside = refusalScope({ endpoint: 'chat', body: { reasoning: { effort: 'low' } } }, undefined);
  expect(inside).toBe(refusalScope({ endpoint: 'chat', body: { reasoning_effort: 'low' } }, undefined));
  expect(refusalScope({ endpoint: 'chat', body: { reasoning_effort: null, reasoning: null } }, undefined)).toBe(
    refusalScope({ endpoint: 'chat', body: {} }, undefined),
  );
});

test('callers cannot make scopes without end', () => {
  const made = new Set<string>();
  const anything = fc.anything({ maxDepth: 1 });
  fc.assert(
    fc.property(anything, anything, fc.string(), (effort, type, version) => {
      made.add(refusalScope({ endpoint: 'chat', body: { reasoning_effort: effort, thinking: { type } } }, version));
    }),
  );
  expect(made.size).toBeLessThanOrEqual(8);
});
