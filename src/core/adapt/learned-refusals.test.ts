import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LearnedRefusals } from './learned-refusals.ts';
import type { RefusedParameter } from './refused-parameter.ts';

test('what a target refused counts until its time is over, each for itself', () => {
  const learned = new LearnedRefusals({ lifeMs: 100 });
  learned.learn('a', ['temperature'], 0);
  learned.learn('a', ['top_p'], 60);
  expect([...learned.refusedBy('a', 99)]).toEqual(['temperature', 'top_p']);
  expect([...learned.refusedBy('a', 100)]).toEqual(['top_p']);
  expect([...learned.refusedBy('a', 160)]).toEqual([]);
  expect([...learned.refusedBy('b', 0)]).toEqual([]);
});

test('a refusal that is learnt again counts from then on', () => {
  const learned = new LearnedRefusals({ lifeMs: 100 });
  learned.learn('a', ['temperature'], 0);
  learned.learn('a', ['temperature'], 90);
  expect([...learned.refusedBy('a', 150)]).toEqual(['temperature']);
});

test('a target that refuses the one limit no longer refuses the other', () => {
  const learned = new LearnedRefusals();
  learned.learn('a', ['max_tokens', 'temperature'], 0);
  learned.learn('a', ['max_completion_tokens'], 1);
  expect([...learned.refusedBy('a', 2)].toSorted()).toEqual(['max_completion_tokens', 'temperature']);
});

test('it never holds more than it may, and what is asked for is kept', () => {
  const parameter = fc.constantFrom<RefusedParameter>('temperature', 'top_p');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 40 }), parameter), { maxLength: 200 }), (lessons) => {
      const learned = new LearnedRefusals({ maxTargets: 10 });
      learned.learn('used', ['top_k'], 0);
      for (const [target, refused] of lessons) {
        learned.learn(`t${target}`, [refused], 0);
        expect(learned.refusedBy('used', 1).has('top_k')).toBe(true);
        expect(learned.refusedBy(`t${target}`, 1).has(refused)).toBe(true);
      }
      const names = Array.from({ length: 41 }, (_, target) => `t${target}`);
      // Looking moves entries about: one look at each tells the most that can be there.
      expect(names.filter((name) => learned.refusedBy(name, 1).size > 0).length).toBeLessThanOrEqual(10);
    }),
  );
});
