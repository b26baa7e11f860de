import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createFarthing,
  type EncryptedCacheOptions,
  encryptedCacheStore,
  ResponseCache,
  systemClock,
} from '../../src/client/index.ts';
import { SqliteCacheStore } from '../../src/stores/sqlite/index.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const ANSWER = 'canaryofananswer';
const KEYS: EncryptedCacheOptions['keys'] = [randomBytes(32).toString('base64')];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-library-encrypted-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function holds(folder: string, text: string): boolean {
  return readdirSync(folder).some((file) => readFileSync(join(folder, file)).includes(text));
}

test.each([
  ['without keys an answer is in clear', undefined, true],
  ['with keys an answer is found again and is nowhere in clear', KEYS, false],
])('in the folder of the library, %s', async (_what, encryptionKeys, isClear) => {
  const body = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-5.4-mini',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: ANSWER, refusal: null } }],
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  };
  const upstream = await startRawUpstream({ contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) });
  const storage = newFolder();
  for (let run = 0; run < 2; run += 1) {
    const farthing = createFarthing({
      providers: { local: { protocol: 'openai', baseUrl: `${upstream.origin}/v1` } },
      cache: { mode: 'all', ttlMs: 60_000, ...(encryptionKeys === undefined ? {} : { encryptionKeys }) },
      storage,
    });
    // oxlint-disable-next-line no-await-in-loop -- the second run finds what the first has stored
    const reply = await farthing.fetch(`${upstream.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-1', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect(await reply.text()).toContain(ANSWER); // oxlint-disable-line no-await-in-loop -- as above
    await farthing.close(); // oxlint-disable-line no-await-in-loop -- as above
  }
  expect(upstream.received).toHaveLength(1);
  expect(holds(storage, ANSWER)).toBe(isClear);
});

test('a ResponseCache over an encrypted store finds its values again; one without the key misses them', async () => {
  const folder = newFolder();
  const cacheOver = async (
    keys: readonly string[] | undefined,
  ): Promise<[ResponseCache<string>, () => Promise<void>]> => {
    const file = await SqliteCacheStore.open({ path: join(folder, 'cache.db'), clock: systemClock });
    const below = keys === undefined ? file : encryptedCacheStore(file, { keys });
    return [new ResponseCache<string>({ scope: 'tenant-7', ttlMs: 60_000, below }), () => below.close()];
  };
  const [first, closeFirst] = await cacheOver(KEYS);
  await first.set('question', ANSWER);
  await closeFirst();
  expect(holds(folder, ANSWER)).toBe(false);
  const [again, closeAgain] = await cacheOver(KEYS);
  expect(await again.get('question')).toBe(ANSWER);
  await closeAgain();
  const [without, closeWithout] = await cacheOver(undefined);
  expect(await without.get('question')).toBeUndefined();
  await closeWithout();
});

test('an engine is not made with a key that is none', () => {
  const make = (): unknown => createFarthing({ cache: { mode: 'all', ttlMs: 1000, encryptionKeys: ['short'] } });
  expect(make).toThrow(/encryption key 1 of the cache is not a key of 32 bytes/);
});
