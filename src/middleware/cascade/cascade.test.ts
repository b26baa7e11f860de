import { describe, expect, test, vi } from 'vitest';
import {
  AGREE,
  CASCADE_FORMS,
  cascadeCall,
  type CascadeCallOptions,
  CHEAP,
  decisionsOf,
  DOWN,
  NUMBER,
  SAMPLE,
  STRONG,
  target,
} from '../../../test/support/cascade-call.ts';
import type { Said } from '../../../test/support/scripted-targets.ts';
import { FarthingError } from '../../core/errors.ts';
import { nanoUsd } from '../../core/money.ts';
import type { AnswerCheck } from '../../core/verify/answer-check.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import { CascadeBook } from './cascade-book.ts';

const FALLBACK = target('p/fallback');

describe.each(CASCADE_FORMS)('$endpoint, stream $isStream', (form) => {
  test('a cheap answer that passes is given, and the strong target is not asked', async () => {
    const on = cascadeCall({ ...form, said: { cheap: { text: '7' } } });
    expect((await on.run()).kind).toBe('complete');
    expect(on.targets.asked()).toEqual(['call p/cheap']);
    expect(on.receiver.gotHead).toMatchObject({ status: 200, form: form.isStream ? 'stream' : 'whole' });
    expect(on.receiver.ending).toBe('ended');
    expect(on.receiver.text).toContain('7');
    expect(on.call.state.answer?.target).toBe(CHEAP);
    expect(decisionsOf(on)).toEqual(['pass p/cheap']);
  });

  test('an answer that fails a check never reaches the client; that of the strong target does', async () => {
    const on = cascadeCall({ ...form, said: { cheap: { text: 'about seven' }, strong: { text: '8' } } });
    expect((await on.run()).kind).toBe('complete');
    expect(on.targets.asked()).toEqual(['call p/cheap', 'call p/strong']);
    expect(on.receiver.text).not.toContain('seven');
    expect(on.receiver.text).toContain('8');
    expect(on.receiver.ending).toBe('ended');
    expect(on.call.state.answer?.target).toBe(STRONG);
    expect(decisionsOf(on)).toEqual(['escalate no-match p/cheap']);
  });

  test('an answer that was cut is escalated whatever else is checked', async () => {
    const on = cascadeCall({ ...form, verify: [], said: { cheap: { text: '7', finish: 'length' } } });
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/cheap', 'call p/strong']);
    expect(decisionsOf(on)).toEqual(['escalate length p/cheap']);
  });

  test('a second answer that says the same lets the first pass, as a side call', async () => {
    const on = cascadeCall({ ...form, verify: [AGREE], said: { cheap: { text: 'Paris.' }, other: { text: 'paris' } } });
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/cheap', 'verify p/other']);
    expect(on.receiver.text).toContain('Paris.');
    expect(decisionsOf(on)).toEqual(['pass p/cheap']);
  });

  test('a second answer that says something else sends the call to the strong target', async () => {
    const on = cascadeCall({ ...form, verify: [AGREE], said: { cheap: { text: 'Paris' }, other: { text: 'Rome' } } });
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/cheap', 'verify p/other', 'call p/strong']);
    expect(on.receiver.text).not.toMatch(/Paris|Rome/);
    expect(decisionsOf(on)).toEqual(['escalate disagrees p/cheap']);
  });
});

describe('what is escalated', () => {
  test.each<readonly [string, Said, string]>([
    ['nothing', { text: '  ' }, 'no-text'],
    ['a refusal', { text: "I'm sorry, but I can't help with that." }, 'worded-as-refusal'],
    ['an error', { status: 500 }, 'status-500'],
    ['a broken reply', { breaks: DOWN }, 'provider-unreachable'],
    ['a refusal of ours', { throws: new FarthingError('budget-spent', 'no money') }, 'budget-spent'],
  ])('%s', async (_name, said, reason) => {
    const on = cascadeCall({ verify: [], said: { cheap: said, strong: { text: 'yes' } } });
    expect((await on.run()).kind).toBe('complete');
    expect(on.receiver.text).toContain('yes');
    expect(decisionsOf(on)[0]).toMatch(new RegExp(`^escalate ${reason}`));
  });

  test('a fault of ours is no reason to spend more: it is thrown', async () => {
    const on = cascadeCall({ said: { cheap: { throws: new TypeError('bug') } } });
    await expect(on.run()).rejects.toThrow('bug');
    expect(on.targets.asked()).toEqual(['call p/cheap']);
  });

  test('an answer that is too long to be held is called off', async () => {
    const on = cascadeCall({ maxReplyBytes: 100, said: { strong: { text: '1' } } });
    await on.run();
    expect(decisionsOf(on)).toEqual(['escalate too-long p/cheap']);
    expect(on.targets.calls[0]?.signal.reason).toMatchObject({ code: 'attempt-dropped' });
    expect(on.receiver.ending).toBe('ended');
  });

  test('a cascade of three asks one after the other; what is behind it are fallbacks of its last one', async () => {
    const on = cascadeCall({
      targets: [CHEAP, target('p/middle'), STRONG, FALLBACK],
      length: 3,
      said: { cheap: { text: 'no' }, middle: { text: 'no' } },
    });
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/cheap', 'call p/middle', 'call p/strong']);
    expect(on.targets.calls.map(({ state }) => state.plan?.targets.length)).toEqual([1, 1, 2]);
    expect(on.targets.calls.every(({ state }) => state.plan?.cascade === undefined)).toBe(true);
    // The call itself keeps its plan: its baseline and its first target are what it is priced with.
    expect(on.call.state.plan?.targets[0]).toBe(CHEAP);
  });
});

describe('calls that must not be made twice', () => {
  test.each<readonly [string, Partial<CascadeCallOptions>, string]>([
    ['hosted tools', { endpoint: 'responses', body: { tools: [{ type: 'web_search' }] } }, 'hosted-tools'],
    ['a stored conversation', { endpoint: 'responses', body: { previous_response_id: 'resp_1' } }, 'stored'],
    ['an answer to be stored', { body: { store: true } }, 'stored'],
  ])('%s go to the strong target at once', async (_name, options, reason) => {
    const on = cascadeCall({ ...options, targets: [CHEAP, STRONG, FALLBACK] });
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/strong']);
    expect(decisionsOf(on)).toEqual([`skip ${reason}`]);
    expect(on.call.state.plan?.targets).toEqual([STRONG, FALLBACK]);
  });

  test('a plan without a cascade passes', async () => {
    const on = cascadeCall({});
    on.call.state.plan = { asked: 'asked', baseline: STRONG, targets: [STRONG] };
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/strong']);
    expect(decisionsOf(on)).toEqual([]);
  });
});

describe('when the strong target fails', () => {
  test('the client gets its error, and not the answer that failed a check', async () => {
    const on = cascadeCall({ said: { cheap: { text: 'wrong' }, strong: { status: 503 } } });
    expect((await on.run()).kind).toBe('provider-error');
    expect(on.receiver.gotHead?.status).toBe(503);
    expect(on.receiver.text).not.toContain('wrong');
    expect(on.call.state.answer).toBeUndefined();
  });

  test('an answer that was disagreed with is not given either', async () => {
    const on = cascadeCall({
      verify: [AGREE],
      said: { cheap: { text: 'a' }, other: { text: 'b' }, strong: { breaks: DOWN } },
    });
    await on.run();
    expect(on.receiver.ending).toBe(DOWN);
  });

  test.each<Said>([{ status: 503 }, { breaks: DOWN }])(
    'a whole answer to which only the second one is missing is given, and not stored: %o',
    async (strong) => {
      const on = cascadeCall({ verify: [AGREE], said: { cheap: { text: 'Paris' }, other: { status: 500 }, strong } });
      expect((await on.run()).kind).toBe('complete');
      expect(on.receiver.gotHead?.status).toBe(200);
      expect(on.receiver.text).toContain('Paris');
      expect(on.receiver.text).not.toContain('ill');
      expect(on.receiver.ending).toBe('ended');
      expect(on.call.state.mayStore).toBe(false);
      expect(on.call.state.answer?.target).toBe(CHEAP);
      expect(decisionsOf(on)).toEqual(['escalate no-second-answer p/cheap', 'unchecked strong-failed']);
    },
  );

  test('a refusal of ours is told: a budget that is spent lets no unchecked answer out', async () => {
    const spent = new FarthingError('budget-spent', 'no money');
    const on = cascadeCall({ verify: [AGREE], said: { other: { throws: spent }, strong: { throws: spent } } });
    await expect(on.run()).rejects.toBe(spent);
    expect(on.receiver.gotHead).toBeUndefined();
  });
});

describe('the second answer', () => {
  test('of the same target is another sample: at temperature 1, without what would repeat the first', async () => {
    const on = cascadeCall({ verify: [SAMPLE], body: { seed: 7, temperature: 0, top_p: 0.1 } });
    await on.run();
    const [first, second] = on.targets.calls;
    expect(second?.kind).toBe('verify');
    expect(second?.state.request?.body).toMatchObject({ temperature: 1 });
    expect(Object.keys(second?.state.request?.body ?? {})).not.toEqual(expect.arrayContaining(['seed']));
    expect(JSON.parse(new TextDecoder().decode(second?.body))).toEqual(second?.state.request?.body);
    expect(first?.state.request?.body).toMatchObject({ seed: 7, temperature: 0 });
  });

  test('is asked for beside the first, and called off when that fails another check', async () => {
    const never = new Promise(() => undefined);
    const settles = new Promise((resolve) => void setTimeout(resolve, 20));
    const on = cascadeCall({
      verify: [AGREE, NUMBER],
      said: { cheap: { text: 'no' }, other: { until: never, settles } },
    });
    await on.run();
    expect(on.targets.asked()).toEqual(['call p/cheap', 'verify p/other', 'call p/strong']);
    expect(on.targets.calls[1]?.signal.reason).toMatchObject({ code: 'attempt-dropped' });
    // It is charged before the call goes on.
    expect(on.call.state.spending.charges.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'call complete',
      'verify client-left',
      'call complete',
    ]);
  });

  test('of which a step of ours fails costs the call nothing but the escalation', async () => {
    const on = cascadeCall({ verify: [AGREE], said: { other: { throws: new TypeError('bug') } } });
    expect((await on.run()).kind).toBe('complete');
    expect(on.events).toMatchObject([{ kind: 'internal-fault' }]);
    expect(decisionsOf(on)).toEqual(['escalate no-second-answer p/cheap']);
  });
});

describe('who leaves', () => {
  test('while a cheap target is asked ends the call there', async () => {
    const away = new AbortController();
    const on = cascadeCall({ signal: away.signal, said: { cheap: { until: new Promise(() => undefined) } } });
    const ending = on.run();
    away.abort(new FarthingError('client-left', 'gone'));
    expect((await ending).kind).toBe('client-left');
    expect(on.targets.asked()).toEqual(['call p/cheap']);
    expect(on.receiver.ending).toMatchObject({ code: 'client-left' });
  });

  test('while a program tests the answer ends the call although the test does not end', async () => {
    const away = new AbortController();
    const slow: AnswerCheck = { kind: 'test', name: 'slow', test: () => new Promise(() => undefined) };
    const on = cascadeCall({ signal: away.signal, verify: [slow] });
    const ending = on.run();
    await vi.waitFor(() => expect(on.targets.calls.length).toBe(1));
    away.abort(new FarthingError('client-left', 'gone'));
    expect((await ending).kind).toBe('client-left');
    expect(on.receiver.text).toBe('');
  });
});

test('each stage has an equal part of the time, so that the last one has some', async () => {
  const on = cascadeCall({
    targets: [CHEAP, target('p/middle'), STRONG],
    length: 3,
    said: { cheap: { text: 'no' }, middle: { text: 'no' } },
  });
  await on.run();
  expect(on.targets.calls.map(({ deadlineAt }) => deadlineAt)).toEqual([20_000, 30_000, 60_000]);
});

test('a cascade that escalates all its calls is switched off after thirty, and says so once', async () => {
  const book = new CascadeBook();
  const events: EngineEvent[] = [];
  for (let number = 0; number < 31; number += 1) {
    expect(book.isOn('sums@1')).toBe(number < 30);
    const on = cascadeCall({ book, said: { cheap: { text: 'no' } } });
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    await on.run();
    events.push(...on.events);
  }
  expect(events).toEqual([{ kind: 'cascade-switched', route: 'sums@1', isOn: false, escalatedRatio: 1 }]);
  expect(book.offReason('sums@1')).toBe('escalates-100-percent');
  expect([book.mayProbe(0.01), book.mayProbe(0.5)]).toEqual([true, false]);
});

test('a cascade that passes its calls stays on: what it spares is what the strong target would have cost', async () => {
  const book = new CascadeBook();
  for (let number = 0; number < 40; number += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    await cascadeCall({ book }).run();
  }
  expect(book.isOn('sums@1')).toBe(true);
  expect(book.offReason('sums@1')).toBeUndefined();
});

test('a cascade that escalates half of its calls stays on where cheap answers cost a tenth: what the strong one costs is no loss of it', async () => {
  const book = new CascadeBook();
  for (let number = 0; number < 60; number += 1) {
    const text = number % 2 === 0 ? '7' : 'no';
    // oxlint-disable-next-line no-await-in-loop -- one call after the other
    await cascadeCall({
      book,
      said: { cheap: { text, cost: nanoUsd(10) }, strong: { text: '8', cost: nanoUsd(100) } },
    }).run();
  }
  expect(book.isOn('sums@1')).toBe(true);
});
