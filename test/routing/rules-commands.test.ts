import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { routeLine } from '../../src/cli/routes/route-line.ts';
import { registerRoutes } from '../../src/cli/routes-command.ts';
import { parseUsd } from '../../src/core/money.ts';

const CONFIG = `
version: 1
providers:
  openai: { protocol: openai, baseUrl: https://api.openai.com/v1, apiKey: '' }
  anthropic: { protocol: anthropic, baseUrl: https://api.anthropic.com, apiKey: sk-test }
routes:
  - name: german
    match: { model: gpt-5.4*, language: de }
    targets: [openai/gpt-5.4-mini, openai/gpt-5.4]
  - name: tools
    match: { tools: [read] }
    cascade: { from: openai/gpt-5.4-mini, to: openai/gpt-5.4, verify: [tools] }
  - name: guarded
    match: { tags: { feature: chat } }
    targets: [openai/gpt-5.4-mini, openai/gpt-5.4]
    quality: { maxQualityLoss: 0.02 }
  - name: short
    match: { tags: { feature: turns }, tokens: { max: 40 } }
    targets: [openai/gpt-5.4-mini, openai/gpt-5.5]
  - name: long
    match: { tags: { feature: turns } }
    targets: [openai/gpt-4o, openai/gpt-5.4-mini, openai/gpt-5.5]
  - name: claude
    match: { endpoint: messages }
    targets: [anthropic/claude-haiku-4-5, anthropic/claude-sonnet-4-6, anthropic/claude-opus-4-8]
`;
const GERMAN = 'Warum ist der Himmel eigentlich so blau?';
const ENGLISH = 'Why is the sky as blue as it is?';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-routes-'));
  await writeFile(join(folder, 'farthing.yaml'), CONFIG);
});
afterAll(() => rm(folder, { recursive: true }));

/** What the command prints. */
async function printed(words: readonly string[], stdin = ''): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const program = new Command();
  registerRoutes(
    program,
    (async function* () {
      yield Buffer.from(stdin);
    })(),
  );
  const options = ['--config', join(folder, 'farthing.yaml'), '--data', join(folder, 'data')];
  await program.parseAsync(['routes', ...words, ...options], { from: 'user' }).finally(() => log.mockRestore());
  return lines.join('\n');
}

interface Explained {
  readonly rules: readonly {
    readonly route: string;
    readonly verdict: string;
    readonly mismatches: readonly object[];
  }[];
  readonly route: { readonly route: string; readonly reason: string } | null;
  readonly targets: readonly string[];
  readonly baseline: string;
  readonly isCascade: boolean;
  readonly costs: readonly { readonly target: string; readonly inputTokens: number; readonly inputUsd: string }[];
  readonly notes: readonly string[];
}

const chat = (content: string, more: object = {}): object => ({
  model: 'gpt-5.4',
  messages: [{ role: 'user', content }],
  ...more,
});

async function explained(body: object, ...words: readonly string[]): Promise<Explained> {
  return JSON.parse(await printed(['explain', '-', '--json', ...words], JSON.stringify(body))) as Explained;
}

test('a call is explained rule by rule: the one that takes it, why not those before, and what it costs where', async () => {
  const found = await explained(chat(GERMAN), '--tag', 'feature=chat');
  expect(found.rules.map(({ route, verdict }) => `${route} ${verdict}`)).toEqual([
    'german taken',
    'tools passed',
    'guarded behind',
    'short passed',
    'long passed',
    'claude passed',
  ]);
  expect(found.rules[1]?.mismatches).toEqual([{ condition: 'tools', wanted: 'read', actual: 'none' }]);
  expect(found.route).toMatchObject({ route: 'german', reason: 'first' });
  expect(found.targets).toEqual(['openai/gpt-5.4-mini', 'openai/gpt-5.4']);
  expect(found.baseline).toBe('openai/gpt-5.4');
  const [cheap, strong] = found.costs;
  expect(cheap).toMatchObject({ target: 'openai/gpt-5.4-mini', inputTokens: strong?.inputTokens });
  expect(parseUsd(cheap?.inputUsd ?? '')).toBeLessThan(parseUsd(strong?.inputUsd ?? ''));
  expect(found.notes.join()).toMatch(/openai has no key here.*stays where it is/s);
});

test('the text says the same in words', async () => {
  const text = await printed(
    ['explain', '-'],
    JSON.stringify(chat(ENGLISH, { tools: [{ type: 'function', function: { name: 'read' } }] })),
  );
  expect(text).toMatch(/german +no +language: wants de, has en/);
  expect(text).toMatch(/goes to +openai\/gpt-5\.4-mini by route tools/);
  expect(text).toMatch(/because +the cheap target first; its answer is checked/);
});

test('a route with quality goes to the strong target until it is certified, and as if it were where that is asked', async () => {
  const guarded = await explained(chat(ENGLISH), '--tag', 'feature=chat');
  expect(guarded).toMatchObject({ route: { route: 'guarded', reason: 'uncertified' }, targets: ['openai/gpt-5.4'] });
  const certified = await explained(chat(ENGLISH), '--tag', 'feature=chat', '--certified');
  expect(certified.route).toMatchObject({ reason: 'certified' });
  expect(certified.targets[0]).toBe('openai/gpt-5.4-mini');
});

test('pins are seen: a named route, an opt-out, a target of the caller; and a call that no route takes', async () => {
  expect((await explained(chat(ENGLISH), '-H', 'X-Farthing-Route: german')).route?.route).toBe('german');
  expect((await explained(chat(GERMAN), '-H', 'x-farthing-route:off')).route?.reason).toBe('opted-out');
  expect((await explained({ ...chat(GERMAN), model: 'openai/gpt-5.4' }, '--tag', 'feature=chat')).route?.reason).toBe(
    'pinned',
  );
  const none = await explained(chat(ENGLISH));
  expect(none).toMatchObject({ route: null, targets: ['openai/gpt-5.4'] });
});

test('a cheap target that caches less than the strong one is pointed out', async () => {
  const body = { model: 'claude-opus-4-8', max_tokens: 100, messages: [{ role: 'user', content: ENGLISH }] };
  const { notes, targets } = await explained(body, '--endpoint', 'messages');
  expect(targets[0]).toBe('anthropic/claude-haiku-4-5');
  expect(notes.filter((note) => note.includes('can cost more'))).toEqual([
    'anthropic/claude-haiku-4-5 can cost more than anthropic/claude-opus-4-8 in a conversation below 4096 tokens, since it caches none of them',
  ]);
});

test('what cannot be explained is told by what is wrong with it', async () => {
  await expect(printed(['explain', '-'], 'x')).rejects.toThrow(/not a JSON object/);
  await expect(printed(['explain', '-'], '{"a":1}')).rejects.toThrow(/--endpoint/);
  await expect(printed(['explain', join(folder, 'none.json')])).rejects.toThrow(/no such file/);
  await expect(explained(chat(ENGLISH), '--tag', 'feature')).rejects.toThrow(/name=value/);
  await expect(explained(chat(ENGLISH), '--header', 'feature')).rejects.toThrow(/name:value/);
  await expect(explained(chat(ENGLISH), '-H', 'x-farthing-route: nope')).rejects.toThrow(/there is no route/);
  await expect(explained({ ...chat(ENGLISH), model: 'claude-sonnet-5' }, '--endpoint', 'chat')).rejects.toThrow(
    /v1\/messages/,
  );
});

function logged(callId: string, content: string, more: object = {}): string {
  return JSON.stringify({
    v: 1,
    callId,
    atMs: Date.UTC(2026, 10, 26),
    project: 'search',
    tags: {},
    endpoint: 'chat',
    modelAsked: 'gpt-5.4',
    target: 'openai/gpt-5.4',
    cacheStatus: 'miss',
    usage: { input: 1000, output: 100, cacheRead: 0 },
    costNanoUsd: 4_000_000,
    bodies: { request: { text: JSON.stringify(chat(content)) } },
    ...more,
  });
}

interface Trial {
  readonly calls: number;
  readonly repeated: number;
  readonly unanswered: number;
  readonly rows: readonly {
    route: string | null;
    reason: string | null;
    target: string | null;
    calls: number;
    unpriced: number;
    thenUsd: string;
    wouldUsd: string;
  }[];
  readonly total: { readonly calls: number; readonly thenUsd: string; readonly wouldUsd: string };
  readonly faults: readonly { readonly line: number; readonly problem: string }[];
}

async function tried(lines: readonly string[], ...words: readonly string[]): Promise<Trial> {
  const path = join(folder, 'log.jsonl.gz');
  await writeFile(path, gzipSync(lines.join('\n')));
  return JSON.parse(await printed(['test', path, '--json', ...words])) as Trial;
}

test('a log says per route and target what calls cost then, and what their tokens would have cost where they are routed', async () => {
  const trial = await tried([
    logged('1', GERMAN),
    logged('2', GERMAN, { target: 'openai/gpt-5.4-mini', costNanoUsd: 777 }),
    logged('3', GERMAN, { cacheStatus: 'hit', costNanoUsd: 0 }),
    logged('4', ENGLISH),
    logged('5', GERMAN, { costNanoUsd: undefined }),
  ]);
  expect(trial).toMatchObject({ calls: 5, faults: [] });
  // 1,000 tokens at 0.75 and 100 at 4.50 dollars per million, a call that went there anyway at what it cost, and a hit for nothing.
  expect(trial.rows).toEqual([
    {
      route: 'german',
      reason: 'first',
      target: 'openai/gpt-5.4-mini',
      calls: 4,
      unpriced: 1,
      thenUsd: '0.004000777',
      wouldUsd: '0.001200777',
      differenceUsd: '-0.0028',
    },
    {
      route: null,
      reason: null,
      target: null,
      calls: 1,
      unpriced: 0,
      thenUsd: '0.004',
      wouldUsd: '0.004',
      differenceUsd: '0.00',
    },
  ]);
  const sum = (name: 'thenUsd' | 'wouldUsd'): number => trial.rows.reduce((all, row) => all + parseUsd(row[name]), 0);
  expect([parseUsd(trial.total.thenUsd), parseUsd(trial.total.wouldUsd)]).toEqual([sum('thenUsd'), sum('wouldUsd')]);
});

test('calls without an answer are priced by what they ask for and by estimated tokens', async () => {
  const line = JSON.stringify({ tags: { feature: 'x' }, body: chat(GERMAN) });
  const [row] = (await tried([line])).rows;
  const [longer] = (await tried([line], '--output-tokens', '1000')).rows;
  const output = (each: typeof row, before: typeof row): number =>
    parseUsd(each?.wouldUsd ?? '') - parseUsd(before?.wouldUsd ?? '');
  expect(parseUsd(row?.thenUsd ?? '')).toBeGreaterThan(parseUsd(row?.wouldUsd ?? ''));
  expect(output(longer, row)).toBe(4_500_000);
});

test('a conversation stays with its target where moving is not worth it, as it would in a gateway', async () => {
  const turn = (callId: string, messages: readonly string[]): string =>
    logged(callId, '', {
      tags: { feature: 'turns' },
      atMs: Date.UTC(2026, 10, 26) + 1000 * Number(callId),
      bodies: {
        request: {
          text: JSON.stringify({
            model: 'gpt-5.5',
            messages: messages.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content })),
          }),
        },
      },
    });
  const answer = 'A long answer. '.repeat(30);
  const trial = await tried([turn('1', ['Hello there']), turn('2', ['Hello there', answer, 'And now?'])]);
  expect(trial.rows.map(({ route, reason, target }) => [route, reason, target])).toEqual([
    ['short', 'first', 'openai/gpt-5.4-mini'],
    ['long', 'session', 'openai/gpt-5.4-mini'],
  ]);
});

test('lines that cannot be used are told by number, and repeated ones counted once', async () => {
  const trial = await tried([
    logged('1', GERMAN),
    logged('1', GERMAN),
    'garbage',
    '',
    '[1]',
    '{"body":5}',
    logged('2', GERMAN, { v: 2 }),
    logged('3', GERMAN, { bodies: undefined }),
    logged('4', GERMAN, { target: undefined }),
    logged('5', GERMAN, { usage: { input: -1 } }),
    JSON.stringify({ headers: { 'X-Farthing-Route': 'nope' }, body: chat(GERMAN) }),
    JSON.stringify({ endpoint: 'nope', body: chat(GERMAN) }),
    logged('6', GERMAN).slice(0, 100),
  ]);
  expect(trial).toMatchObject({ calls: 1, repeated: 1, unanswered: 1 });
  expect(trial.faults.map(({ line }) => line)).toEqual([3, 5, 6, 7, 8, 10, 11, 12, 13]);
  expect(trial.faults.map(({ problem }) => problem).join('\n')).not.toContain('Himmel');
});

test('a text tells totals, calls without a route, and that it says nothing of quality', async () => {
  const path = join(folder, 'log.jsonl');
  await writeFile(path, [logged('1', GERMAN), logged('2', ENGLISH), 'x'].join('\n'));
  const text = await printed(['test', path]);
  expect(text).toMatch(/german +first +openai\/gpt-5\.4-mini +1 +0\.004000 +0\.001200 +-0\.002800 +-70\.0/);
  expect(text).toContain('2 calls, 1 of which no route takes.');
  expect(text).toContain('line 3: is not JSON');
  expect(text).toContain('Money only');
  await writeFile(path, '');
  const before = process.exitCode;
  expect(await printed(['test', path])).toContain('No call could be tried.');
  // A log that is none must not pass for one that was tried.
  expect(process.exitCode).toBe(2);
  process.exitCode = before;
});

test('a file that cannot be read is told', async () => {
  await writeFile(join(folder, 'broken.gz'), 'not packed');
  await expect(printed(['test', join(folder, 'broken.gz')])).rejects.toThrow(/cannot be read/);
  await expect(printed(['test', join(folder, 'none.jsonl')])).rejects.toThrow(/no such file/);
  await expect(printed(['test', folder])).rejects.toThrow(/is a folder/);
});

test('no line brings the reader down', () => {
  const json = fc
    .json()
    .map(
      (text) => `{"callId":"x","v":1,"endpoint":"chat","usage":${text},"bodies":{"request":${text}},"tags":${text}}`,
    );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), json), (text) => {
      const line = routeLine(text);
      expect('problem' in line || line.body instanceof Uint8Array).toBe(true);
    }),
    { numRuns: 300 },
  );
});
