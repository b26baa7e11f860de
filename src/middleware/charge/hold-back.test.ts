import { expect, test } from 'vitest';
import { frame, NotingReceiver } from '../../../test/support/fake-call.ts';
import { FarthingError } from '../../core/errors.ts';
import { HoldBack } from './hold-back.ts';

test('of a stream everything before the terminal frame passes at once, the rest only after the release', () => {
  const client = new NotingReceiver();
  const hold = new HoldBack(client);
  hold.head({ status: 200, headers: {}, form: 'stream' });
  hold.frames([frame('a'), frame('b')]);
  hold.frames([frame('c'), frame('[DONE]', 'terminal'), frame('tail')]);
  hold.end();
  expect(client.text).toBe('abc');
  expect(client.ending).toBe('open');
  hold.release();
  expect(client.text).toBe('abc[DONE]tail');
  expect(client.ending).toBe('ended');
});

test('of a whole reply nothing passes before the release, not even its head', () => {
  const client = new NotingReceiver();
  const hold = new HoldBack(client);
  hold.head({ status: 200, headers: {}, form: 'whole' });
  hold.frames([frame('body')]);
  hold.end();
  expect(client.gotHead).toBeUndefined();
  hold.release();
  expect(client.text).toBe('body');
  expect(client.ending).toBe('ended');
});

test('a failure is held back too, and remembered with the status', () => {
  const client = new NotingReceiver();
  const hold = new HoldBack(client);
  hold.head({ status: 200, headers: {}, form: 'stream' });
  hold.fail(new FarthingError('provider-broken', 'cut'));
  expect(client.ending).toBe('open');
  expect(hold.status).toBe(200);
  expect(hold.error?.code).toBe('provider-broken');
  hold.release();
  expect(client.ending).toMatchObject({ code: 'provider-broken' });
});
