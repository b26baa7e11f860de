import { expect, test } from 'vitest';
import { fakeCall, frame, NotingReceiver } from '../../test/support/fake-call.ts';
import type { ReplyHead } from '../ports/reply-sink.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ClientRelay } from './client-relay.ts';

const EARLY = { status: 200, headers: { 'content-type': 'text/event-stream' }, form: 'stream', isEarly: true } as const;
const MONEY = { costNanoUsd: undefined, savings: undefined, isEstimate: false };

test('a head that is sent early does not say who answers; trailers do, and signs of life are no first byte', () => {
  const { state } = fakeCall('c', new NotingReceiver());
  const clock = new FakeClock();
  const written: string[] = [];
  let head: ReplyHead | undefined;
  let trailers: Readonly<Record<string, string>> | undefined;
  const sink = {
    head: (given: ReplyHead) => void (head = given),
    write: (bytes: Uint8Array) => written.push(Buffer.from(bytes).toString()) > 0,
    drained: () => Promise.resolve(),
    end: (given?: Readonly<Record<string, string>>) => void (trailers = given),
    abort: () => undefined,
  };
  const relay = new ClientRelay({ callId: 'c', endpoint: 'chat', state, sink, clock, money: () => MONEY });
  state.plan = { asked: 'm', baseline: target('strong'), targets: [target('cheap'), target('strong')] };
  relay.head(EARLY);
  relay.frames([frame(': ping\n\n', 'ping')]);
  expect(state.firstByteAt).toBeUndefined();
  expect(head?.headers['x-farthing-model']).toBeUndefined();
  clock.advance(5000);
  state.answering = target('strong');
  state.decisions.push({ step: 'cascade', verdict: 'escalate', reason: 'no-match' });
  relay.frames([frame('data: {}\n\n')]);
  relay.end();
  expect(state.firstByteAt).toBe(5000);
  expect(head?.trailerNames).toEqual(expect.arrayContaining(Object.keys(trailers ?? {})));
  expect(trailers).toMatchObject({
    'x-farthing-model': 'p/strong',
    'x-farthing-decisions': 'cascade=escalate;no-match',
  });
  expect(written).toEqual([': ping\n\n', 'data: {}\n\n']);
});

function target(model: string): { readonly provider: string; readonly model: string } {
  return { provider: 'p', model };
}
