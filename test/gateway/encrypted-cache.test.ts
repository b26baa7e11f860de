import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import { whyNoServices } from '../support/budget-stage.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { RedisServer } from '../support/redis-server.ts';

const KEY = 'fk-0123456789abcdef0123456789abcdef';
const ADMIN_KEY = 'an-admin-key-of-encrypted-caches-here';
const PROMPT = 'canaryofaprompt';
const ANSWER = 'canaryofananswer';
const PROJECT = 'canaryofaproject';
const TAG_VALUE = 'canaryofatagvalue';
const MODEL = 'canaryofamodel';

/** What tells who asked and what was answered. */
const OF_THE_CALL = [PROJECT, TAG_VALUE, MODEL];
const OF_THE_CONTENT = [PROMPT, ANSWER];
const ALL = [...OF_THE_CONTENT, ...OF_THE_CALL];

const newKey = (): string => randomBytes(32).toString('base64');

/** Answers every call with the prompt and the answer in it. */
function startUpstream(): Promise<RawUpstream> {
  const reply = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: MODEL,
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: `${PROMPT}? ${ANSWER}`, refusal: null },
      },
    ],
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  };
  return startRawUpstream({ contentType: 'application/json', body: Buffer.from(JSON.stringify(reply)) });
}

interface Running {
  /** Asks the same as always; gives what `cache-status` says. */
  ask(): Promise<string>;
  admin(method: string, path: string): Promise<unknown>;
  /** How many entries could not be opened, as `/metrics` counts them. */
  unopened(): Promise<number>;
  close(): Promise<void>;
  /** All that it logged and showed. */
  readonly said: readonly string[];
}

async function start(upstream: RawUpstream, storage: unknown, keys: readonly string[] | undefined): Promise<Running> {
  const text = JSON.stringify({
    listen: '127.0.0.1:0',
    storage,
    providers: { local: { protocol: 'openai', baseUrl: `${upstream.origin}/v1`, apiKey: 'sk-1' } },
    cache: { mode: 'all', ttl: '1h', ...(keys === undefined ? {} : { encryption: { keys } }) },
    keys: [{ name: 'tests', project: PROJECT, key: KEY }],
    admin: { key: ADMIN_KEY },
  });
  const loaded = loadConfig({ text, env: {}, readFile: () => '' });
  const said: string[] = [];
  const gateway = await startGateway({
    config: loaded.config,
    values: loaded.values,
    log: gatewayLog('trace', { write: (line) => void said.push(line) }),
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await gateway.close();
    isOpen = false;
  };
  onTestFinished(close);
  const admin = async (method: string, path: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const reply = await (await fetch(`${gateway.url}/admin/v1${path}`, { method, headers })).json();
    said.push(JSON.stringify(reply));
    return reply;
  };
  return {
    said,
    admin,
    close,
    ask: async () => {
      const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${KEY}`,
          'content-type': 'application/json',
          'x-farthing-tags': `feature=${TAG_VALUE}`,
        },
        body: JSON.stringify({ model: `local/${MODEL}`, messages: [{ role: 'user', content: PROMPT }] }),
      });
      const body = await reply.text();
      expect([reply.status, body.includes(ANSWER)], body).toEqual([200, true]);
      return reply.headers.get('cache-status') ?? '';
    },
    unopened: async () => {
      const metrics = await (
        await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
      ).text();
      const found = /^farthing_store_faults_total\{store="cache",operation="open"\} (\d+)$/m.exec(metrics);
      return Number(found?.[1] ?? 0);
    },
  };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-encrypted-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Which of the texts are in files of a folder. */
function inFiles(
  folder: string,
  texts: readonly string[],
  isLooked = (_file: string): boolean => true,
): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const contents = files
    .filter(({ name }) => isLooked(name))
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name)));
  return texts.filter((text) => contents.some((content) => content.includes(text)));
}

const isCacheFile = (name: string): boolean => name.startsWith('cache.db');

describe('a gateway on a folder', () => {
  test('without encryption all of a call is in the cache file', async () => {
    const [upstream, folder] = [await startUpstream(), newFolder()];
    const gateway = await start(upstream, folder, undefined);
    await gateway.ask();
    await gateway.close();
    expect(inFiles(folder, ALL, isCacheFile)).toEqual(ALL);
  });

  test('with encryption prompt and answer are in no file, project, tag and model not in that of the cache, and hits go on', async () => {
    const [upstream, folder, key] = [await startUpstream(), newFolder(), newKey()];
    const gateway = await start(upstream, folder, [key]);
    expect(await gateway.ask()).not.toContain('hit');
    expect(await gateway.ask()).toContain('hit');
    // While it runs: the write-ahead logs, too.
    await expect.poll(() => readFileSync(join(folder, 'cache.db-wal')).byteLength).toBeGreaterThan(10_000);
    expect(inFiles(folder, OF_THE_CONTENT)).toEqual([]);
    await gateway.close();
    expect(inFiles(folder, OF_THE_CONTENT)).toEqual([]);
    expect(inFiles(folder, OF_THE_CALL, isCacheFile)).toEqual([]);
    expect(inFiles(folder, [key, Buffer.from(key, 'base64').toString('hex')])).toEqual([]);
    // Its memory is gone: the answer comes from the file.
    const again = await start(upstream, folder, [key]);
    expect(await again.ask()).toContain('hit');
    await again.admin('GET', '/config');
    expect(upstream.received).toHaveLength(1);
    expect(await again.unopened()).toBe(0);
    expect([...gateway.said, ...again.said].join('\n')).not.toContain(key);
  });

  test('keys change over a restart without a miss, and what a key that is gone encrypted is asked again and counted', async () => {
    const [upstream, folder, first, second] = [await startUpstream(), newFolder(), newKey(), newKey()];
    for (const [keys, expected] of [
      [[first], 'miss'],
      [[second, first], 'hit'],
      [[second], 'unopened'],
      [[second], 'hit'],
      [undefined, 'unopened'],
      [[second], 'unopened'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one gateway after the other
      const gateway = await start(upstream, folder, keys);
      const asked = upstream.received.length;
      const status = await gateway.ask(); // oxlint-disable-line no-await-in-loop
      expect(status.includes('hit')).toBe(expected === 'hit');
      expect(upstream.received.length - asked).toBe(expected === 'hit' ? 0 : 1);
      expect(await gateway.unopened()).toBe(expected === 'unopened' ? 1 : 0); // oxlint-disable-line no-await-in-loop
      await gateway.close(); // oxlint-disable-line no-await-in-loop
    }
  });

  test('deletes by project and by tag find what is encrypted', async () => {
    const [upstream, folder] = [await startUpstream(), newFolder()];
    const gateway = await start(upstream, folder, [newKey()]);
    for (const which of [`project=${PROJECT}`, `tag=feature:${TAG_VALUE}`]) {
      expect(await gateway.ask()).not.toContain('hit'); // oxlint-disable-line no-await-in-loop
      // oxlint-disable-next-line no-await-in-loop -- as above; the write goes on behind the reply
      await expect.poll(() => gateway.ask()).toContain('hit');
      expect(await gateway.admin('DELETE', `/cache?${which}`)).toEqual({ removed: 1 }); // oxlint-disable-line no-await-in-loop
    }
    expect(await gateway.admin('DELETE', `/cache?project=${PROJECT}`)).toEqual({ removed: 0 });
  });
});

describe.skipIf(whyNoServices() !== undefined)('a gateway on Redis and Postgres', () => {
  let redis: RedisServer;
  let postgres: PostgresServer;
  beforeAll(async () => {
    [redis, postgres] = await Promise.all([RedisServer.start(), startPostgres()]);
  }, 60_000);
  afterAll(() => Promise.all([redis.close(), postgres.close()]));

  /** Which of the texts are in Redis: in names, in values, and in what values are when they are decompressed. */
  async function inRedis(texts: readonly string[], pattern: string): Promise<readonly string[]> {
    const client = new Redis(redis.url);
    try {
      const contents: Buffer[] = [];
      for (const name of await client.keys(pattern)) {
        contents.push(Buffer.from(name), (await client.dumpBuffer(name)) ?? Buffer.alloc(0)); // oxlint-disable-line no-await-in-loop
        // oxlint-disable-next-line no-await-in-loop -- as above
        if ((await client.type(name)) === 'hash') contents.push(...blobContents(await client.hgetallBuffer(name)));
      }
      expect(contents.length).toBeGreaterThan(0);
      return texts.filter((text) => contents.some((content) => content.includes(text)));
    } finally {
      client.disconnect();
    }
  }

  test.each([false, true])(
    'encryption %s: prompt, answer, project, tag and model are in Redis only without it',
    async (isEncrypted) => {
      await redis.flush();
      const upstream = await startUpstream();
      const storage = { redis: redis.url, postgres: await postgres.createDatabase() };
      const keys = isEncrypted ? [newKey()] : undefined;
      const gateway = await start(upstream, storage, keys);
      await gateway.ask();
      await gateway.close();
      expect(await inRedis(ALL, 'farthing:c:*')).toEqual(isEncrypted ? [] : ALL);
      expect(await inRedis(OF_THE_CONTENT, '*')).toEqual(isEncrypted ? [] : OF_THE_CONTENT);
      const again = await start(upstream, storage, keys);
      expect(await again.ask()).toContain('hit');
      expect(upstream.received).toHaveLength(1);
      expect(await again.admin('DELETE', `/cache?project=${PROJECT}`)).toEqual({ removed: 1 });
    },
  );
});

/** The values of an entry on Redis, as they are and decompressed. */
function blobContents(fields: Readonly<Record<string, Buffer>>): readonly Buffer[] {
  return Object.values(fields).flatMap((value) => {
    try {
      return [value, zstdDecompressSync(value.subarray(12))]; // behind the header of a blob
    } catch {
      return [value];
    }
  });
}
