import { expect, test } from 'vitest';
import type { Provider, ProviderRequest } from '../ports/provider.ts';
import { clientProvider } from './client-provider.ts';

/** What a provider made of a client tells its listener. */
function told(provider: Provider): Promise<Error | string> {
  const request: ProviderRequest = {
    path: '/chat/completions',
    method: 'POST',
    headers: {},
    body: Buffer.from('{"model":"m"}'),
    signal: new AbortController().signal,
    headTimeoutMs: 1000,
    idleTimeoutMs: 1000,
  };
  return new Promise((resolve) => {
    let text = '';
    provider.send(request, {
      onHead: () => undefined,
      onData: (chunk) => {
        text += Buffer.from(chunk).toString();
        return true;
      },
      onEnd: () => resolve(text),
      onError: (error) => resolve(error),
    });
  });
}

function answering(body: unknown): Provider {
  return clientProvider('wrapped', { protocol: 'openai', identity: 'test', send: async () => body });
}

test("a client's answer passes as JSON", async () => {
  expect(await told(answering({ id: 'a' }))).toBe('{"id":"a"}');
});

test('an answer that is no JSON is a broken provider, not a call that never ends', async () => {
  expect(await told(answering({ id: 1n }))).toMatchObject({ code: 'provider-broken' });
});
