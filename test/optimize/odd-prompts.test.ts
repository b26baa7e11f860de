import { expect, onTestFinished, test } from 'vitest';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import type { EngineEvent } from '../../src/ports/event-sink.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';

const LONG = prose(seededRandom(1), 9000);
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const pretty = JSON.stringify(
  Array.from({ length: 30 }, (_, row) => ({ row, name: `n${row}` })),
  undefined,
  4,
);

/** Prompts that nobody should write and somebody will. */
const ODD: readonly (readonly [endpoint: string, name: string, body: object])[] = [
  [
    'chat',
    'malformed blocks',
    { messages: [{ role: 'user', content: [{ type: 'text' }, { text: 4 }, {}, { type: 'text', text: LONG }] }] },
  ],
  [
    'chat',
    'unknown types',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'hologram', data: LONG },
            { type: 'text', text: 'hi' },
          ],
        },
      ],
    },
  ],
  [
    'chat',
    'empty lists',
    {
      messages: [
        { role: 'system', content: [] },
        { role: 'user', content: [] },
      ],
      tools: [],
      note: LONG,
    },
  ],
  [
    'chat',
    'two tools of one id',
    {
      messages: [
        { role: 'user', content: 'go' },
        {
          role: 'assistant',
          tool_calls: [1, 2].map(() => ({ id: 'same', type: 'function', function: { name: 'f', arguments: '{}' } })),
        },
        { role: 'tool', tool_call_id: 'same', content: pretty },
        { role: 'tool', tool_call_id: 'same', content: pretty },
        { role: 'tool', tool_call_id: 'nobody', content: pretty },
      ],
    },
  ],
  [
    'chat',
    'deep JSON in a result',
    {
      messages: [
        { role: 'user', content: 'go' },
        { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: 'a', content: nested(50_000) },
      ],
    },
  ],
  [
    'messages',
    'malformed blocks',
    {
      max_tokens: 9,
      messages: [{ role: 'user', content: [{ type: 'text' }, { type: 'tool_result' }, { type: 'text', text: LONG }] }],
    },
  ],
  [
    'messages',
    'unknown types',
    { max_tokens: 9, system: [{ type: 'x' }], messages: [{ role: 'user', content: [{ type: 'y', y: LONG }] }] },
  ],
  [
    'messages',
    'empty lists',
    {
      max_tokens: 9,
      system: [],
      tools: [],
      messages: [
        { role: 'user', content: LONG },
        { role: 'assistant', content: [] },
      ],
    },
  ],
  [
    'responses',
    'unknown items',
    {
      input: [
        { type: 'odd', body: LONG },
        { role: 'user', content: [{ type: 'input_odd' }] },
      ],
    },
  ],
  ['responses', 'empty input', { input: [], instructions: LONG }],
  [
    'responses',
    'a result of nobody',
    {
      input: [
        { type: 'function_call_output', call_id: 'no', output: pretty },
        { role: 'user', content: LONG },
      ],
    },
  ],
];

const PATHS: Readonly<Record<string, string>> = {
  chat: 'openai/v1/chat/completions',
  responses: 'openai/v1/responses',
  messages: 'anthropic/v1/messages',
};

interface Stage {
  readonly upstream: RecordingUpstream;
  readonly events: readonly EngineEvent[];
  /** Sends a body and resolves to the status. */
  send(endpoint: string, body: object): Promise<number>;
}

async function start(): Promise<Stage> {
  const upstream = await startRecordingUpstream();
  const events: EngineEvent[] = [];
  const farthing = createFarthing({
    cache: false,
    resilience: { retries: 0 },
    optimize: { level: 'extractive', promptCache: 'auto', historyMaxTokens: 500, unusedTools: ['*'] },
    providers: {
      openai: { protocol: 'openai', baseUrl: `${upstream.origin}/openai/v1` },
      anthropic: { protocol: 'anthropic', baseUrl: `${upstream.origin}/anthropic` },
    },
    onEvent: (event) => events.push(event),
  });
  onTestFinished(async () => {
    await farthing.close();
    await upstream.close();
  });
  const send = async (endpoint: string, body: object): Promise<number> => {
    const path = PATHS[endpoint];
    const model = endpoint === 'messages' ? 'claude-sonnet-5' : 'gpt-5.6-luna';
    const response = await farthing.fetch(`${upstream.origin}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer x', 'x-api-key': 'x' },
      body: JSON.stringify({ model, ...body }),
    });
    await response.text();
    return response.status;
  };
  return { upstream, events, send };
}

test.each(ODD)('%s: %s go out once, without a fault', async (endpoint, _name, body) => {
  const { upstream, events, send } = await start();
  expect(await send(endpoint, body)).toBe(200);
  expect(await send(endpoint, body)).toBe(200);
  expect(upstream.seen).toHaveLength(2);
  const sent = JSON.parse(upstream.seen[0]?.body.toString() ?? '{}') as Record<string, unknown>;
  expect(Object.keys(sent)).toEqual(expect.arrayContaining(['model']));
  expect(events.filter(({ kind }) => kind === 'internal-fault')).toEqual([]);
});

test('a prompt of 3 MB and one of 60,000 parts go out', async () => {
  const { upstream, events, send } = await start();
  const huge = `${prose(seededRandom(2), 1_500_000)}\n\n${pretty.repeat(400)}`;
  expect(await send('chat', { messages: [{ role: 'user', content: `${huge}\n\nWhat of the parcel?` }] })).toBe(200);
  const parts = Array.from({ length: 60_000 }, (_, index) => ({ type: 'text', text: `part ${index}` }));
  const status = await send('messages', { max_tokens: 9, messages: [{ role: 'user', content: parts }] });
  expect(status).toBe(200);
  expect(events.filter(({ kind }) => kind === 'internal-fault')).toEqual([]);
  expect(upstream.seen.at(-1)?.body.toString()).toContain('part 59999');
});
