import { expect, test } from 'vitest';
import { runProgress, type RunStanding, standingText } from './run-progress.ts';

const STANDING: RunStanding = {
  done: 1234,
  total: 10_000,
  errors: 0,
  fromCache: 0,
  spentUsd: '0.25',
  ratePerSecond: 9.96,
  remainingMs: undefined,
};

function shown(isTTY: boolean, everyMs: number, times: number, columns = 60): readonly string[] {
  const lines: string[] = [];
  let nowMs = 1000;
  const progress = runProgress({ isTTY, columns, write: (text) => lines.push(text) }, () => nowMs);
  for (let time = 0; time < times; time += 1) {
    progress.show(STANDING);
    nowMs += everyMs;
  }
  progress.stop();
  return lines;
}

test('a standing says rate, spend, and what is not zero', () => {
  expect(standingText(STANDING)).toBe('1,234 of 10,000, 10.0/s, $0.25');
  expect(standingText({ ...STANDING, errors: 2, fromCache: 1000, ratePerSecond: 1999.6, remainingMs: 61_000 })).toBe(
    '1,234 of 10,000, 2,000/s, $0.25, 2 failed, 1,000 cached, 1 min 1 s left',
  );
});

test('where there is no terminal a line is written every ten seconds', () => {
  expect(shown(false, 1000, 25)).toEqual(Array.from({ length: 2 }, () => '1,234 of 10,000, 10.0/s, $0.25\n'));
});

test('on a terminal one line is drawn again, cut to its width, at most five times a second', () => {
  const lines = shown(true, 100, 4);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain(`\r\u001B[K${'\u2588'.repeat(2)}${'\u2591'.repeat(18)} 1,234 of 10,000`);
  expect(lines[0]?.length).toBeLessThanOrEqual(60 - 1 + 4);
  expect(lines.at(-1)).toBe('\n');
  // One that does not know its width says 0.
  expect(shown(true, 100, 1, 0)[0]).toMatch(/\$0\.25$/);
});
