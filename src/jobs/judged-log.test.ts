import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { EngineEvent } from '../ports/event-sink.ts';
import { JudgedLog } from './judged-log.ts';

const LINE = {
  id: 'call_1',
  prompt: 'What?\n“Now”',
  models: { 'p/cheap': { quality: 0 }, 'p/strong': { quality: 1 } },
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'farthing-judged-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function logAt(path: string, events: EngineEvent[], maxFileBytes?: number): JudgedLog {
  const bound = maxFileBytes === undefined ? {} : { maxFileBytes };
  return new JudgedLog({ path, events: { emit: (event) => events.push(event) }, ...bound });
}

test('each pair is a line of JSON, in a file that nobody else can read', async () => {
  const path = join(await folder(), 'judged', 'chat.jsonl');
  const log = logAt(path, []);
  log.append(LINE);
  log.append({ ...LINE, id: 'call_2' });
  await log.close();
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([LINE, { ...LINE, id: 'call_2' }]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a file that is full is put aside, in the place of an older one', async () => {
  const path = await folder();
  const log = logAt(join(path, 'j.jsonl'), [], 200);
  for (let index = 0; index < 7; index += 1) log.append({ ...LINE, id: String(index) });
  await log.close();
  expect((await readdir(path)).toSorted()).toEqual(['j.jsonl', 'j.jsonl.1']);
  const idsIn = async (name: string): Promise<unknown[]> =>
    (await readFile(join(path, name), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(await idsIn('j.jsonl.1')).toEqual(['4', '5']);
  expect(await idsIn('j.jsonl')).toEqual(['6']);
});

test('a file that cannot be written is told, and the next pair is tried again', async () => {
  const path = await folder();
  const events: EngineEvent[] = [];
  const log = logAt(path, events); // a folder
  log.append(LINE);
  log.append(LINE);
  await log.close();
  expect(events).toMatchObject([
    { kind: 'store-failed', store: 'judged-log', operation: 'write' },
    { kind: 'store-failed', store: 'judged-log', operation: 'write' },
  ]);
});
