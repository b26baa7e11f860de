import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CascadeCall, cascadeCall } from '../../../test/support/cascade-call.ts';
import { NotingReceiver } from '../../../test/support/fake-call.ts';
import { replyThatSays, type Said } from '../../../test/support/scripted-targets.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import type { Outcome } from '../compose.ts';
import { PatientReceiver } from './patient-receiver.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a client that waits for a stream', () => {
  /** A cheap target that answers when the test says so. */
  function waiting(
    said: Readonly<Record<string, Said>> = {},
    endpoint: Endpoint = 'chat',
  ): CascadeCall & { readonly answer: () => void; readonly ending: Promise<Outcome> } {
    let answer = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const on = cascadeCall({ isStream: true, endpoint, said: { cheap: { until, text: '7' }, ...said } });
    return { ...on, answer, ending: on.run() };
  }

  test.each([
    ['chat', ': ping\n\n'],
    ['responses', ': ping\n\n'],
    ['messages', 'event: ping\ndata: {"type": "ping"}\n\n'],
  ] as const)('gets a head after ten seconds, and a ping every ten: %s', async (endpoint, ping) => {
    const on = waiting({}, endpoint);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(on.receiver.gotHead).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(on.receiver.gotHead).toMatchObject({ status: 200, form: 'stream', isEarly: true });
    expect(on.receiver.text).toBe(ping);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(on.receiver.text).toBe(ping.repeat(3));
    on.answer();
    expect((await on.ending).kind).toBe('complete');
    expect(on.receiver.text.startsWith(ping.repeat(3))).toBe(true);
    expect(on.receiver.text).toContain('7');
    expect(on.receiver.ending).toBe('ended');
    const told = on.receiver.text;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(on.receiver.text).toBe(told);
  });

  test('has waited since its call came, however long other steps took', async () => {
    const on = cascadeCall({ isStream: true, said: { cheap: { until: new Promise(() => undefined) } } });
    on.clock.advance(9_000);
    void on.run();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(on.receiver.gotHead?.isEarly).toBe(true);
  });

  test('goes on being pinged while the strong target thinks', async () => {
    const on = waiting({ strong: { until: new Promise(() => undefined) }, cheap: { text: 'no' } });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(on.targets.asked()).toEqual(['call p/cheap', 'call p/strong']);
    expect(on.receiver.text).toBe(': ping\n\n: ping\n\n');
  });

  test('gets an error behind its head as an error', async () => {
    const on = waiting({ cheap: { text: 'no', until: sleep(15_000) }, strong: { status: 503 } });
    await vi.advanceTimersByTimeAsync(16_000);
    await on.ending;
    expect(on.receiver.ending).toMatchObject({
      code: 'provider-failed',
      status: 503,
      message: 'the provider failed: it is ill',
    });
    expect(on.receiver.text).toBe(': ping\n\n');
  });

  test('gets no ping where its answer comes in time, and who wants it whole gets none at all', async () => {
    const on = waiting();
    on.answer();
    await on.ending;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(on.receiver.text).not.toContain('ping');
    const whole = cascadeCall({ said: { cheap: { until: new Promise(() => undefined) } } });
    void whole.run();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(whole.receiver.gotHead).toBeUndefined();
  });

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
});

test('a whole answer that comes behind a head is told as events', () => {
  const receiver = new NotingReceiver();
  const patient = new PatientReceiver(receiver, 'chat', 0);
  vi.advanceTimersByTime(10_000);
  patient.head({ status: 200, headers: {}, form: 'whole' });
  patient.frames([{ bytes: replyThatSays('chat', 'late'), role: 'content' }]);
  patient.end();
  expect(receiver.text).toMatch(/^: ping\n\ndata: [\s\S]*late[\s\S]*\[DONE\]/);
  expect(receiver.ending).toBe('ended');
});
