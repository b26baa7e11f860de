import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { nanoUsd } from '../../core/money.ts';
import { usageOf } from '../../core/model/usage.ts';
import type { KeptAnswer } from './item-outcome.ts';
import { journalLine, readJournalLine } from './journal-line.ts';
import { hashWords } from './prepared-item.ts';
import { RunJournal } from './run-journal.ts';

const SETTINGS = 'settings';

async function journalPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-journal-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'run.journal');
}

function hashOf(index: number): { readonly hashHex: string; readonly hash: Uint32Array } {
  const hashHex = index.toString(16).padStart(8, '0').repeat(4);
  return { hashHex, hash: hashWords(hashHex) };
}

function answer(index: number, body = `{"n":${index}}`): KeptAnswer {
  return {
    kind: 'answer',
    body,
    model: 'openai/gpt-5.4-mini',
    usage: usageOf({ input: 7, output: index }),
    costNanoUsd: nanoUsd(10),
    savedNanoUsd: nanoUsd(-1),
    fromCache: index % 2 === 1,
    callId: `call_${index}`,
  };
}

function answerIn(journal: RunJournal, index: number): ReturnType<RunJournal['answerOf']> {
  const { hash, hashHex } = hashOf(index);
  return journal.answerOf(hash, hashHex);
}

async function keep(journal: RunJournal, index: number, body?: string): Promise<void> {
  const { hash, hashHex } = hashOf(index);
  await journal.keep(hash, hashHex, answer(index, body));
}

test('a line is read as it was written, and any change of it is noticed', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\n', '\r', '"', '\\', 'ü', '😀', '\u2028', '\0'), maxLength: 60 }),
      fc.nat(),
      fc.nat(),
      (body, at, change) => {
        const entry = { kind: 'answer', hashHex: hashOf(3).hashHex, answer: answer(3, body) } as const;
        const line = journalLine(entry).slice(0, -1);
        expect(line).not.toContain('\n');
        expect(readJournalLine(line)).toEqual(entry);
        const place = at % line.length;
        const other = String.fromCodePoint(32 + (change % 90));
        if (line[place] === other) return;
        expect(readJournalLine(line.slice(0, place) + other + line.slice(place + 1))).toBeUndefined();
        expect(readJournalLine(line.slice(0, place))).toBeUndefined();
      },
    ),
    { numRuns: 50 },
  );
});

test('what was kept is there when it is opened again, and says that it was', async () => {
  const path = await journalPath();
  const first = await RunJournal.open(path, SETTINGS);
  await Promise.all([0, 1, 2].map((index) => keep(first, index)));
  await first.keepCost(hashOf(9).hashHex, nanoUsd(5));
  expect(await answerIn(first, 1)).toMatchObject({ isRepeat: true, isResumed: false });
  await first.close(false);
  const second = await RunJournal.open(path, SETTINGS);
  expect(second).toMatchObject({ spentNanoUsd: 35, lostNanoUsd: 5 });
  expect(await answerIn(second, 1)).toEqual({ answer: answer(1), isRepeat: false, isResumed: true });
  expect(await answerIn(second, 1)).toMatchObject({ isRepeat: true, isResumed: true });
  expect(await answerIn(second, 9)).toBeUndefined();
  await keep(second, 3);
  expect(await answerIn(second, 3)).toMatchObject({ answer: answer(3), isResumed: false });
  await second.close(true);
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

test('wherever a dying process tore the file, all whole lines are kept and new ones stand behind them', async () => {
  const path = await journalPath();
  const whole = await RunJournal.open(path, SETTINGS);
  for (const index of [0, 1, 2]) await keep(whole, index, `{"text":"größe ${'x'.repeat(index * 40)}"}`);
  await whole.close(false);
  const bytes = await readFile(path);
  const ends = [...bytes.keys()].filter((at) => bytes[at] === 10).map((at) => at + 1);
  for (let cut = 0; cut <= bytes.length; cut += 29) {
    await writeFile(path, bytes.subarray(0, cut));
    const torn = await RunJournal.open(path, SETTINGS);
    const kept = Math.max(0, ends.filter((end) => end <= cut).length - 1);
    for (const index of [0, 1, 2]) {
      expect((await answerIn(torn, index)) !== undefined).toBe(index < kept);
    }
    await keep(torn, 7);
    await torn.close(false);
    const again = await RunJournal.open(path, SETTINGS);
    expect(await answerIn(again, 7)).toMatchObject({ answer: answer(7) });
    await again.close(false);
  }
});

test('a line that a disk spoilt loses its own item and no other', async () => {
  const path = await journalPath();
  const first = await RunJournal.open(path, SETTINGS);
  for (const index of [0, 1, 2]) await keep(first, index);
  await first.close(false);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('call_1', 'call_X'));
  const second = await RunJournal.open(path, SETTINGS);
  expect(await answerIn(second, 0)).toBeDefined();
  expect(await answerIn(second, 1)).toBeUndefined();
  expect(await answerIn(second, 2)).toBeDefined();
  await second.close(false);
});

test('a file of something else, of other settings, or in use is left alone', async () => {
  const path = await journalPath();
  const open = await RunJournal.open(path, SETTINGS);
  await expect(RunJournal.open(path, SETTINGS)).rejects.toMatchObject({ code: 'configuration' });
  await open.close(false);
  await expect(RunJournal.open(path, 'others')).rejects.toThrow('other settings');
  const foreign = await journalPath();
  await writeFile(foreign, 'my precious notes\nand more\n');
  await expect(RunJournal.open(foreign, SETTINGS)).rejects.toThrow('no journal');
  await appendFile(foreign, 'still there');
  expect(await readFile(foreign, 'utf8')).toBe('my precious notes\nand more\nstill there');
});

test('the lock of a process that died is taken over', async () => {
  const path = await journalPath();
  await writeFile(`${path}.lock`, '4194305'); // above the most that Linux gives
  const journal = await RunJournal.open(path, SETTINGS);
  await journal.close(false);
  await writeFile(`${path}.lock`, String(process.pid)); // of a container before this one
  const again = await RunJournal.open(path, SETTINGS);
  await again.close(false);
});

test('an item whose hash begins like that of another one does not get its answer', async () => {
  const path = await journalPath();
  const journal = await RunJournal.open(path, SETTINGS);
  await keep(journal, 1);
  const likeFirst = `${hashOf(1).hashHex.slice(0, 16)}${'f'.repeat(16)}`;
  expect(await journal.answerOf(hashWords(likeFirst), likeFirst)).toBeUndefined();
  expect(await answerIn(journal, 1)).toMatchObject({ answer: answer(1) });
  await journal.close(false);
});
