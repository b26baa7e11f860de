import { expect, test } from 'vitest';
import { heapLimit, memoryRatio, memoryReader } from './memory-ratio.ts';

const MIB = 2 ** 20;

test('whichever is nearer to its end counts: the heap, or all memory of the container', () => {
  const figures = { oldHeapBytes: 30, heapLimitBytes: 100, totalBytes: 40, totalLimitBytes: 1000 };
  expect(memoryRatio(figures)).toBe(0.3);
  expect(memoryRatio({ ...figures, totalBytes: 900 })).toBe(0.9);
});

test('a stated size of the old space is where the heap ends, the last one given counts, else what V8 says', () => {
  expect(heapLimit(704 * MIB, [])).toBe(704 * MIB);
  expect(heapLimit(704 * MIB, ['', '--enable-source-maps'])).toBe(704 * MIB);
  expect(heapLimit(704 * MIB, ['--max-old-space-size=512'])).toBe(512 * MIB);
  expect(heapLimit(704 * MIB, ['--max_old_space_size 256 --inspect', '--max-old-space-size', '512'])).toBe(512 * MIB);
  expect(heapLimit(704 * MIB, ['--max-old-space-size=9999'])).toBe(704 * MIB);
});

test('buffers outside of the heap are seen', () => {
  const read = memoryReader([], 1024 * MIB);
  const before = read();
  const held = Buffer.alloc(512 * MIB);
  expect(read() - before).toBeGreaterThan(0.3);
  expect(held.byteLength).toBe(512 * MIB);
});
