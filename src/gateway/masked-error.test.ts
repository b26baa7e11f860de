import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { maskedError } from './masked-error.ts';
import type { PassedReply } from './pass-through.ts';

const KEY = 'sk-the-key-of-the-operator';
const provider = { keys: [{ secret: KEY, weight: 1 }], headers: { 'api-key': 'another-secret' }, query: {} };

function reply(body: readonly Buffer[], headers: PassedReply['headers'] = {}): PassedReply {
  return { status: 401, headers, body: Readable.from(body, { objectMode: false }) };
}

test('key and header are taken out of head and body, also where they come in two pieces', async () => {
  const parts = [Buffer.from('no: sk-the-key-of'), Buffer.from('-the-operator, another-secret.')];
  const headers = { 'content-length': '47', 'x-echo': KEY, 'x-list': ['a', KEY], 'content-type': 'text/plain' };
  const masked = await maskedError(reply(parts, headers), provider);
  expect(await text(masked.body)).toBe('no: ***, ***.');
  expect(masked.headers).toEqual({
    'content-length': '13',
    'x-echo': '***',
    'x-list': ['a', '***'],
    'content-type': 'text/plain',
  });
});

test('an error that cannot be looked into is not passed on', async () => {
  const endless = reply(Array.from({ length: 1001 }, () => Buffer.alloc(1000)));
  await expect(maskedError(endless, provider)).rejects.toMatchObject({ code: 'provider-broken' });
  expect(endless.body.destroyed).toBe(true);
  const compressed = reply([Buffer.from('x')], { 'content-encoding': 'gzip' });
  await expect(maskedError(compressed, provider)).rejects.toThrow(/compressed/);
  const cut = reply([]);
  cut.body.destroy(new Error('reset'));
  await expect(maskedError(cut, provider)).rejects.toThrow(/was cut/);
});
