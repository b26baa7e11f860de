import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask, startFixture } from './gateway-fixture.ts';

test('a stop does not wait for connections on which nothing was ever sent', async () => {
  const { server, port, url, close } = await startFixture();
  onTestFinished(close);
  const unused = connect({ port, host: '127.0.0.1' });
  await once(unused, 'connect');
  const ended = once(unused, 'close');
  // Whoever connects later is served, so the first connection has been taken by now.
  expect((await ask(url, { path: '/healthz' })).status).toBe(200);
  await server.close(600_000);
  await ended;
});
