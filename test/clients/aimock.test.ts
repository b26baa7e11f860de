import { LLMock } from '@copilotkit/aimock';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Face, FACES, type FaceOptions } from '../support/gateway-stack.ts';

const USER = { role: 'user' as const, content: 'hello there' };
const CHAT = { model: 'gpt-5.4-mini', messages: [USER] };
const MESSAGES = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [USER] };

/** An upstream that nobody of this project wrote. */
async function startMock(startFace: (options: FaceOptions) => Promise<Face>): Promise<{
  readonly mock: LLMock;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly face: Face;
}> {
  const mock = new LLMock({ port: 0 });
  mock.onMessage('hello', { content: 'Hi there, Zoë 👋!' });
  mock.onMessage('weather', { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] });
  await mock.start();
  onTestFinished(async () => {
    await mock.stop();
  });
  const face = await startFace({ origin: mock.url, mode: 'all' });
  const common = { apiKey: face.apiKey, fetch: face.fetch, maxRetries: 0 };
  return {
    mock,
    face,
    openai: new OpenAI({ ...common, baseURL: face.openaiBaseUrl }),
    anthropic: new Anthropic({ ...common, baseURL: face.anthropicBaseUrl }),
  };
}

describe.each(FACES)('aimock as the upstream, through %s', (_name, startFace) => {
  test('chat: whole, streamed from the cache, and a stream of its own', async () => {
    const { mock, openai } = await startMock(startFace);
    const whole = await openai.chat.completions.create(CHAT);
    expect(whole.choices[0]?.message.content).toBe('Hi there, Zoë 👋!');
    const replayed = await openai.chat.completions.stream(CHAT).finalContent();
    expect(replayed).toBe('Hi there, Zoë 👋!');
    expect(mock.getRequests()).toHaveLength(1);
    const other = { ...CHAT, messages: [{ role: 'user' as const, content: 'hello again' }] };
    expect(await openai.chat.completions.stream(other).finalContent()).toBe('Hi there, Zoë 👋!');
    expect(mock.getRequests()).toHaveLength(2);
  });

  test('Messages: streamed, then whole from the cache', async () => {
    const { mock, anthropic } = await startMock(startFace);
    const streamed = await anthropic.messages.stream(MESSAGES).finalMessage();
    expect(streamed.content).toMatchObject([{ type: 'text', text: 'Hi there, Zoë 👋!' }]);
    expect((await anthropic.messages.create(MESSAGES)).content).toEqual(streamed.content);
    expect(mock.getRequests()).toHaveLength(1);
  });

  test('Responses and tool calls', async () => {
    const { openai } = await startMock(startFace);
    expect((await openai.responses.create({ model: CHAT.model, input: 'hello there' })).output_text).toContain('Zoë');
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const called = await openai.chat.completions.create({
      model: CHAT.model,
      messages: [{ role: 'user', content: 'weather?' }],
      tools: [{ type: 'function', function: { name: 'weather', parameters } }],
    });
    expect(called.choices[0]?.message.tool_calls).toMatchObject([{ function: { arguments: '{"city":"Oslo"}' } }]);
  });

  test('its errors reach the client with their status and are not cached', async () => {
    const { mock, openai, face } = await startMock(startFace);
    mock.nextRequestError(429, { message: 'slow down', type: 'rate_limit_error' });
    await expect(openai.chat.completions.create(CHAT)).rejects.toMatchObject({ status: 429 });
    expect((await openai.chat.completions.create(CHAT)).choices).toHaveLength(1);
    const records = await face.records(2);
    expect(records.map(({ outcome }) => outcome)).toEqual(['provider-error', 'complete']);
  });
});
