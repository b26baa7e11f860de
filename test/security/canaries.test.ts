import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { type Reply, ask } from '../gateway/gateway-fixture.ts';
import { CALLER_SECRETS, OPERATOR_SECRETS, textOfFiles, told } from '../support/canaries.ts';
import { type CanaryFolder, runTold, serveTold, type ToldProcess, writeCanaryConfig } from '../support/canary-stage.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { WHOLE_REPLIES } from '../support/scripted-provider.ts';

const ALL = Object.keys(ENDPOINTS) as Endpoint[];
const SECRETS = { ...OPERATOR_SECRETS, ...CALLER_SECRETS };
const { prompt, system, toolArguments, answer, user, tag, session, ...rest } = SECRETS;

/** What the ledger and the call log are there to keep. */
const KEPT = { user, tag, session };

let upstream: RecordingUpstream;
let stage: CanaryFolder;
const running: ToldProcess[] = [];

beforeAll(async () => {
  upstream = await startRecordingUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => {
  stage = { folder: mkdtempSync(join(tmpdir(), 'farthing-canaries-')), upstreamOrigin: upstream.origin };
  upstream.answer = (request, response) => answerWell(request.target, response);
});
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
  rmSync(stage.folder, { recursive: true, force: true });
});

function answerWell(target: string, response: ServerResponse): void {
  const path = target.split('?')[0] ?? '';
  const endpoint = ALL.find((name) => path.endsWith(ENDPOINTS[name].clientPath));
  response.writeHead(endpoint === undefined ? 500 : 200, { 'content-type': 'application/json' });
  response.end(endpoint === undefined ? answer : WHOLE_REPLIES[endpoint].replace('"hi"', JSON.stringify(answer)));
}

/** Providers' errors that quote what they were sent. */
function answerByEcho(status: number): RecordingUpstream['answer'] {
  return ({ headers, body, target }, response) => {
    const key = String(headers.authorization ?? headers['x-api-key']).replace('Bearer ', '');
    const masked = `${key.slice(0, 8)}${'*'.repeat(20)}${key.slice(-4)}`;
    const message = `Incorrect API key provided: ${masked} (${key}, ${String(headers['x-own-key'])}, ${target}): ${body.toString()}`;
    response.writeHead(status, { 'content-type': 'application/json', 'x-echo': key });
    response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', code: 'invalid_api_key' } }));
  };
}

const TROUBLES: readonly (readonly [name: string, answer: RecordingUpstream['answer']])[] = [
  ['echoes, 401', answerByEcho(401)],
  ['echoes, 400', answerByEcho(400)],
  ['echoes, 500', answerByEcho(500)],
  ['no JSON', (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(`${answer} {`)],
  ['cut', (_, response) => void response.destroy()],
  [
    'a stream that breaks',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: {"id":"${answer}","choices":[{"index":0,"delta":{"content":"${answer}"}}]}\n\n`);
      setTimeout(() => response.destroy(), 20);
    },
  ],
  [
    'a stream with an error that echoes',
    ({ headers }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `event: error\ndata: {"type":"error","error":{"message":"key ${headers.authorization ?? String(headers['x-api-key'])}"}}\n\n`,
      );
    },
  ],
];

function bodyOf(endpoint: Endpoint, extra: object = {}): string {
  const model = ENDPOINTS[endpoint].protocol === 'anthropic' ? 'claude-haiku-4-5' : 'gpt-5.4-mini';
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: `{"a":"${toolArguments}"}` } };
  const turns = [{ role: 'user', content: prompt }];
  const input = {
    chat: {
      messages: [{ role: 'system', content: system }, ...turns, { role: 'assistant', tool_calls: [call] }],
      user,
    },
    responses: { input: prompt, instructions: system },
    embeddings: { input: [prompt, system] },
    messages: { max_tokens: 9, system, messages: turns, metadata: { user_id: user } },
    'count-tokens': { system, messages: turns },
  }[endpoint];
  return JSON.stringify({ model, ...input, ...extra });
}

function post(url: string, path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  return ask(url, {
    method: 'POST',
    path,
    body,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${OPERATOR_SECRETS.callerKey}`,
      'x-farthing-tags': `feature=${tag}`,
      'x-farthing-session': session,
      ...headers,
    },
  });
}

const textOf = ({ headers, trailers, body }: Reply): string => JSON.stringify([headers, trailers, body]);

/** Calls of every kind, good ones and such that fail in each way. */
async function callsOf(url: string): Promise<readonly string[]> {
  const replies: string[] = [];
  const send = async (endpoint: Endpoint, body: string, headers: Record<string, string> = {}): Promise<void> => {
    replies.push(textOf(await post(url, ENDPOINTS[endpoint].clientPath, body, headers)));
  };
  for (const endpoint of ALL) {
    upstream.answer = (request, response) => answerWell(request.target, response);
    await send(endpoint, bodyOf(endpoint)); // oxlint-disable-line no-await-in-loop -- one after the other
    await send(endpoint, bodyOf(endpoint)); // oxlint-disable-line no-await-in-loop -- from the cache
    for (const [name, trouble] of TROUBLES) {
      upstream.answer = trouble;
      const isStream = name.includes('stream');
      await send(endpoint, bodyOf(endpoint, isStream ? { stream: true } : {}), { 'cache-control': 'no-store' }); // oxlint-disable-line no-await-in-loop -- as above
    }
    await send(endpoint, bodyOf(endpoint, { model: 'down' })); // oxlint-disable-line no-await-in-loop -- as above
  }
  upstream.answer = answerByEcho(400);
  replies.push(textOf(await post(url, '/v1/audio/speech', bodyOf('chat'))));
  return replies;
}

/** What the gateway says to others: to strangers, to another project, to who sends what is malformed, to the operator. */
async function repliesToOthers(url: string): Promise<readonly string[]> {
  const other = { authorization: `Bearer ${OPERATOR_SECRETS.otherCallerKey}` };
  const admin = { authorization: `Bearer ${OPERATOR_SECRETS.adminKey}` };
  const chat = ENDPOINTS.chat.clientPath;
  const body = bodyOf('chat');
  const replies = [
    post(url, chat, body, { authorization: `Bearer ${OPERATOR_SECRETS.callerKey}x` }),
    post(url, chat, body.slice(0, -9)),
    post(url, chat, body.replace(`"${prompt}"`, `"${prompt}`)),
    post(url, chat, bodyOf('chat', { base_url: prompt })),
    post(url, chat, bodyOf('chat', { n: prompt })),
    post(url, chat, body, { 'x-farthing-tags': `Wrong name=${tag}` }),
    post(url, chat, body, { 'content-type': prompt }),
    post(url, `${chat}?%00=${prompt}"`, body),
    post(url, `/v1/nothing/${prompt}`, body),
    post(url, '/admin/v1/keys', `{"name":"${prompt}`, admin),
    post(url, '/admin/v1/budgets', `{"${prompt}":1}`, other),
    ...['/v1/models', '/v1/farthing/calls/call_x', '/admin/v1/config'].map((path) =>
      ask(url, { path, headers: other }),
    ),
    ...['/metrics', '/healthz', '/readyz'].map((path) => ask(url, { path })),
    ...['config', 'keys', 'budgets', 'stats'].map((path) => ask(url, { path: `/admin/v1/${path}`, headers: admin })),
    ask(url, { method: 'POST', path: '/admin/v1/reload', headers: admin }),
  ];
  return (await Promise.all(replies)).map(textOf);
}

describe('a gateway at the most talkative level', () => {
  test(
    'tells no secret to anybody, and nothing of a caller to others, in its log or in its data',
    { timeout: 60_000 },
    async () => {
      writeCanaryConfig(stage);
      const served = await serveTold(stage.folder);
      running.push(served);
      const own = await callsOf(served.url);
      const admin = { authorization: `Bearer ${OPERATOR_SECRETS.adminKey}` };
      const ledger = await Promise.all(
        ['calls', 'charges', 'report'].map(async (path) =>
          textOf(await ask(served.url, { path: `/admin/v1/ledger/${path}`, headers: admin })),
        ),
      );
      const others = await repliesToOthers(served.url);
      served.child.kill('SIGWINCH');
      served.child.kill('SIGHUP');
      await expect.poll(served.output).toContain('configuration reloaded');
      await expect.poll(() => readdirSync(stage.folder).filter((name) => name.startsWith('report.'))).toHaveLength(1);
      served.child.kill('SIGTERM');
      expect(await served.end).toBe(0);

      expect(own.join('')).toContain(answer);
      expect(own.flatMap((reply) => told(reply, OPERATOR_SECRETS))).toEqual([]);
      for (const key of [
        OPERATOR_SECRETS.providerKey,
        OPERATOR_SECRETS.secondProviderKey,
        OPERATOR_SECRETS.anthropicKey,
      ])
        expect(own.join('')).not.toContain(key.slice(-4));
      expect(told(ledger.join(''), { ...rest, prompt, system, toolArguments, answer })).toEqual([]);
      expect(others.flatMap((reply) => told(reply, SECRETS))).toEqual([]);
      expect(served.output()).toContain('"msg":"call"');
      expect(told(served.output(), SECRETS)).toEqual([]);
      // The cache holds answers, and is as private as the folder.
      const data = textOfFiles(join(stage.folder, 'data'), /^cache/);
      expect(data).toContain(KEPT.user);
      expect(told(data, { ...rest, prompt, system, toolArguments, answer })).toEqual([]);
      expect(told(textOfFiles(stage.folder, /^(?!report\.)/), SECRETS)).toEqual([]);
    },
  );

  test.each(['exception', 'rejection'])(
    'that crashes by an %s tells where, and nothing of what it was given',
    async (kind) => {
      writeCanaryConfig(stage);
      const served = await serveTold(stage.folder, { CRASH_KIND: kind });
      running.push(served);
      await post(served.url, ENDPOINTS.chat.clientPath, bodyOf('chat'));
      served.child.kill('SIGUSR2');
      expect(await served.end).toBe(1);
      expect(served.output()).toMatch(/"level":60.*crash-preload\.mjs:\d+/);
      expect(told(served.output(), SECRETS)).toEqual([]);
      expect(told(textOfFiles(stage.folder, /^(?!report\.)/), SECRETS)).toEqual([]);
    },
  );

  test('whose disk is full tells so, and no secret', { timeout: 30_000 }, async () => {
    writeCanaryConfig(stage);
    const served = await serveTold(stage.folder);
    running.push(served);
    // A file in place of the folder: whatever is written there fails.
    rmSync(join(stage.folder, 'data', 'calls'), { recursive: true, force: true });
    writeFileSync(join(stage.folder, 'data', 'calls'), '');
    await post(served.url, ENDPOINTS.chat.clientPath, bodyOf('chat'));
    await expect.poll(served.output, { timeout: 10_000 }).toContain('call log cannot be written');
    expect(told(served.output(), SECRETS)).toEqual([]);
  });
});

describe('the command line', () => {
  const COMMANDS = [
    'config check',
    'config explain',
    'keys list',
    'budgets list',
    'ledger list',
    'ledger verify',
    'report',
    'serve',
  ];

  async function outputs(commands: readonly string[]): Promise<readonly string[]> {
    const ran = commands.map((command) => runTold(stage.folder, command.split(' ')));
    running.push(...ran);
    await Promise.all(ran.map(({ end }) => end));
    return ran.map(({ output }) => output());
  }

  test('explains and checks a configuration without its secrets', { timeout: 30_000 }, async () => {
    writeCanaryConfig(stage);
    const said = await outputs(COMMANDS.filter((command) => command !== 'serve'));
    expect(said.join('')).toContain('providers.openai.headers.x-own-key');
    expect(said.flatMap((text) => told(text, SECRETS))).toEqual([]);
  });

  test('refuses faulty configurations without quoting secrets', { timeout: 60_000 }, async () => {
    writeCanaryConfig(stage);
    const text = readFileSync(join(stage.folder, 'farthing.yaml'), 'utf8');
    const faulty = [
      text.replace('"protocol":"anthropic"', '"protocol":"none"'),
      text.replaceAll('"apiKey"', '"apikey"'),
      text.replace(OPERATOR_SECRETS.anthropicKey, String.raw`${OPERATOR_SECRETS.anthropicKey}\n`),
      text.replace(OPERATOR_SECRETS.callerKey, `${OPERATOR_SECRETS.callerKey} {env:X}`),
      text.replace('"version":1', `"version":"${OPERATOR_SECRETS.adminKey.slice(0, 0)}2"`),
      text.slice(0, -40),
    ];
    for (const each of faulty) {
      writeFileSync(join(stage.folder, 'farthing.yaml'), each);
      const said = await outputs(['config check']); // oxlint-disable-line no-await-in-loop -- one file
      expect(said.join('')).not.toBe('');
      expect(said.flatMap((output) => told(output, SECRETS))).toEqual([]);
    }
  });

  test('cannot reach Redis and Postgres without telling their passwords', { timeout: 60_000 }, async () => {
    const passwords = { redis: 'canary18-Vr6Kb1', postgres: 'canary19-Xj4Pm9' };
    const storage = {
      redis: `redis://user:${passwords.redis}@127.0.0.1:1`,
      postgres: `postgres://user:${passwords.postgres}@127.0.0.1:1/farthing`,
    };
    writeCanaryConfig(stage, { storage });
    const said = await outputs(COMMANDS);
    expect(said.join('')).toMatch(/ECONNREFUSED|cannot be reached|unavailable/);
    expect(said.flatMap((text) => told(text, { ...SECRETS, ...passwords }))).toEqual([]);
    writeCanaryConfig(stage, {
      storage: { ...storage, postgres: `postgres://user:${passwords.postgres}@[bad/farthing` },
    });
    const faulty = await outputs(['config check', 'serve', 'keys list']);
    expect(faulty.flatMap((text) => told(text, { ...SECRETS, ...passwords }))).toEqual([]);
  });
});
