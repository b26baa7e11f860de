import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { type FaultyUpstream, startFaultyUpstream } from '../../src/testing/faulty-upstream.ts';
import { expectedAnswer } from '../../src/testing/upstream/expected-answer.ts';
import { type Face, startGatewayFace } from '../support/gateway-stack.ts';

const PROMPT = 'tell me';
const ASKED = [{ role: 'user', content: PROMPT }] as const;

interface Place {
  readonly face: Face;
  readonly upstreams: readonly [FaultyUpstream, FaultyUpstream];
}

/** A gateway over a socket with two targets for each of its models. */
async function startPlace(resilience: Readonly<Record<string, unknown>> = {}): Promise<Place> {
  const upstreams = [await startFaultyUpstream({ msPerFrame: 2 }), await startFaultyUpstream()] as const;
  onTestFinished(async () => {
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  });
  const providers = Object.fromEntries(
    upstreams.flatMap(({ origin }, index) => [
      [`openai${index}`, { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-test' }],
      [`claude${index}`, { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'sk-test' }],
    ]),
  );
  const models = {
    chat: { targets: ['openai0/gpt-5.4-mini', 'openai1/gpt-5.4-mini'] },
    claude: { targets: ['claude0/claude-haiku-4-5', 'claude1/claude-haiku-4-5'] },
  };
  const face = await startGatewayFace({ origin: upstreams[0].origin, config: { providers, models, resilience } });
  return { face, upstreams };
}

function openaiOf({ face }: Place): OpenAI {
  return new OpenAI({ apiKey: face.apiKey, baseURL: face.openaiBaseUrl });
}

function anthropicOf({ face }: Place): Anthropic {
  return new Anthropic({ apiKey: face.apiKey, baseURL: face.anthropicBaseUrl });
}

test('clients see the answer of a fallback and nothing of the failure', async () => {
  const place = await startPlace({ retries: 0 });
  place.upstreams[0].setDown({ kind: 'status', status: 500 });
  const chat = await openaiOf(place).chat.completions.create({ model: 'chat', messages: [...ASKED] });
  expect(chat.choices[0]?.message.content).toBe(expectedAnswer(PROMPT));
  const response = await openaiOf(place).responses.create({ model: 'chat', input: PROMPT });
  expect(response.output_text).toBe(expectedAnswer(PROMPT));
  const message = await anthropicOf(place).messages.create({ model: 'claude', max_tokens: 200, messages: [...ASKED] });
  expect(message.content).toMatchObject([{ type: 'text', text: expectedAnswer(PROMPT) }]);
  const records = await place.face.records(3);
  expect(records.map(({ target, attempts }) => [target, attempts])).toEqual([
    ['openai1/gpt-5.4-mini', 2],
    ['openai1/gpt-5.4-mini', 2],
    ['claude1/claude-haiku-4-5', 2],
  ]);
});

test('clients do not try again what was tried here, and say why it failed', async () => {
  const place = await startPlace({ retries: 0 });
  for (const upstream of place.upstreams) upstream.setDown({ kind: 'status', status: 503 });
  const asked = openaiOf(place).chat.completions.create({ model: 'chat', messages: [...ASKED] });
  await expect(asked).rejects.toMatchObject({ status: 503, message: expect.stringContaining('overloaded') });
  const claude = anthropicOf(place).messages.create({ model: 'claude', max_tokens: 200, messages: [...ASKED] });
  await expect(claude).rejects.toMatchObject({ status: 503 });
  // Two calls, two targets each, and no more although both clients would try three times.
  expect(place.upstreams.map((upstream) => upstream.counters().requests)).toEqual([2, 2]);
});

test.each(['error', 'continue', 'buffer'])(
  'a stream that breaks under `midStream: %s` is an answer or an exception',
  async (midStream) => {
    const place = await startPlace({ retries: 0, midStream });
    const read = async (): Promise<string> => {
      const stream = await openaiOf(place).chat.completions.create({
        model: 'chat',
        messages: [...ASKED],
        stream: true,
      });
      let text = '';
      let finishes = 0;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        if ((chunk.choices[0]?.finish_reason ?? null) !== null) finishes += 1;
      }
      return `${text} ${finishes}`;
    };
    place.upstreams[0].script({ kind: 'cut', after: { frames: 6 }, by: 'rst' });
    if (midStream === 'error') await expect(read()).rejects.toThrow(/broke|connection|ended/i);
    else expect(await read()).toBe(`${expectedAnswer(PROMPT)} 1`);
    place.upstreams[0].script({ kind: 'cut', after: { frames: 7 }, by: 'rst' });
    const claude = anthropicOf(place).messages.stream({ model: 'claude', max_tokens: 200, messages: [...ASKED] });
    if (midStream === 'error') await expect(claude.finalText()).rejects.toThrow();
    else expect(await claude.finalText()).toBe(expectedAnswer(PROMPT));
  },
);
