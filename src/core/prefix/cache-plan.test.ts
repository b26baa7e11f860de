import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cachePlan, type BreakpointQuestion } from './cache-plan.ts';

const chain = Array.from({ length: 60 }, (_block, index) => ({ key: String(index), tokens: 200 }));

function question(
  parts: Partial<BreakpointQuestion>,
  plan: Partial<BreakpointQuestion['plan']> = {},
): BreakpointQuestion {
  return {
    chain,
    plan: {
      cachedDepth: 0,
      writeDepth: 40,
      cachedTokens: 0,
      writeTokens: 8000,
      expectedWorthTokens: 1,
      branchDepths: [],
      ...plan,
    },
    sectionDepths: [],
    minimumTokens: 1024,
    lookBackBlocks: 20,
    headLife: '5m',
    tailLife: '5m',
    ...parts,
  };
}

const depthsOf = (asked: BreakpointQuestion): readonly number[] => cachePlan(asked).map(({ depth }) => depth);

test('a prefix that is not worth a write gets no breakpoint', () => {
  expect(cachePlan(question({}, { writeDepth: 0 }))).toEqual([]);
});

test('what grew by more than the look-back since the last breakpoint has one there, too', () => {
  expect(depthsOf(question({}, { cachedDepth: 10 }))).toContain(10);
  expect(depthsOf(question({}, { cachedDepth: 25 }))).not.toContain(25);
  expect(depthsOf(question({ lookBackBlocks: Infinity }, { cachedDepth: 10 }))).not.toContain(10);
});

test('breakpoints that are left halve, by tokens, the widest parts of what is written', () => {
  expect(depthsOf(question({}))).toEqual([10, 20, 30, 40]);
  expect(depthsOf(question({}, { cachedDepth: 32 }))).toEqual([34, 36, 38, 40]);
  expect(depthsOf(question({}, { cachedDepth: 39 }))).toEqual([40]);
  expect(depthsOf(question({ minimumTokens: 7000 }))).toEqual([40]);
});

test('a prefix that is only read is marked where it ends', () => {
  expect(depthsOf(question({}, { cachedDepth: 40 }))).toEqual([40]);
});

test('shared heads and the ends of tools and system are marked, below the minimum length nothing is', () => {
  expect(depthsOf(question({ sectionDepths: [3, 12] }, { branchDepths: [8, 20] }))).toEqual([8, 12, 20, 40]);
});

test('a life of an hour comes before a shorter one', () => {
  const plan = cachePlan(question({ sectionDepths: [12], headLife: '1h' }));
  expect(plan).toEqual([
    { depth: 12, life: '1h' },
    { depth: 19, life: '5m' },
    { depth: 26, life: '5m' },
    { depth: 40, life: '5m' },
  ]);
});

test('there are never more than four, rising, within what is to be written, long enough and in order of life', () => {
  const depth = fc.nat(70);
  const life = fc.constantFrom('5m', '1h');
  fc.assert(
    fc.property(
      depth,
      depth,
      fc.array(depth),
      fc.array(depth),
      life,
      life,
      (cached, write, branches, sections, headLife, tailLife) => {
        const writeDepth = Math.max(cached, write);
        const asked = question(
          { sectionDepths: sections, headLife, tailLife },
          { cachedDepth: cached, writeDepth, branchDepths: branches.toSorted((left, right) => left - right) },
        );
        const plan = cachePlan(asked);
        expect(plan.length).toBeLessThanOrEqual(4);
        plan.forEach((breakpoint, index) => {
          const before = plan[index - 1];
          expect(breakpoint.depth).toBeLessThanOrEqual(Math.min(writeDepth, 60));
          expect(breakpoint.depth * 200).toBeGreaterThanOrEqual(1024);
          if (before === undefined) return;
          expect(before.depth).toBeLessThan(breakpoint.depth);
          expect(before.life === '5m' && breakpoint.life === '1h').toBe(false);
        });
      },
    ),
  );
});
