import { expect, test } from 'vitest';
import { usageOf } from '../../core/model/usage.ts';
import { errorOf, NOTHING_LEARNT } from '../../core/tokens/calibration.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import type { Tokenizer } from '../../ports/tokenizer.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { TokenCalibrator } from './token-calibrator.ts';

const TARGET = { provider: 'anthropic', model: 'claude-sonnet-4-5' };
const NAME = 'anthropic/claude-sonnet-4-5';

/** One token a word: the calibrator takes any tokenizer. */
const WORDS: Tokenizer = {
  encoding: 'o200k_base',
  encode: (text) => text.split(' ').map((_word, index) => index),
  count: (text) => text.split(' ').length,
  countInTurns: (text) => Promise.resolve(text.split(' ').length),
};

interface Stage {
  readonly calibrator: TokenCalibrator;
  readonly events: EngineEvent[];
  learnt: number;
}

function stage(tokenizerOf: () => Promise<Tokenizer> = () => Promise.resolve(WORDS), oneIn = 16): Stage {
  const events: EngineEvent[] = [];
  const made: Stage = {
    events,
    learnt: 0,
    calibrator: new TokenCalibrator({
      tokenizerOf,
      oneIn,
      vendorOf: () => 'anthropic',
      events: { emit: (event) => events.push(event) },
      onLearnt: () => (made.learnt += 1),
    }),
  };
  return made;
}

function request(words: number, more: object = {}): DecodedRequest {
  const content = 'word '.repeat(words).trim();
  const body = { model: 'claude-sonnet-4-5', max_tokens: 10, messages: [{ role: 'user', content }], ...more };
  return decodeRequest('messages', new TextEncoder().encode(JSON.stringify(body)));
}

test('a target that bills more than is counted is learnt within a few calls', async () => {
  const { calibrator, events } = stage();
  for (let call = 1; call <= 12; call += 1) {
    calibrator.note(request(100 * call), TARGET, usageOf({ input: 130 * call + 20, cacheRead: 100 * call }));
  }
  await calibrator.settled();
  const errors = events.flatMap((event) => (event.kind === 'tokens-estimated' ? [event.errorRatio] : []));
  expect(errors[0]).toBeGreaterThan(0.4); // cached tokens are input, too
  expect(errors.at(-1)).toBeLessThan(0.01);
  expect(errorOf(calibrator.state, NAME)?.calls).toBe(12);
});

test('the first calls of a target are looked at, and of later ones a few', async () => {
  const made = stage();
  for (let call = 0; call < 320; call += 1) made.calibrator.note(request(50), TARGET, usageOf({ input: 60 }));
  await made.calibrator.settled();
  expect(made.learnt).toBe(32 + (320 - 32) / 16);
});

test('where later ones are not looked at, those whose money was held by their count still are', async () => {
  const made = stage(undefined, Number.POSITIVE_INFINITY);
  for (let call = 0; call < 320; call += 1) made.calibrator.note(request(50), TARGET, usageOf({ input: 60 }));
  made.calibrator.note(request(50), TARGET, usageOf({ input: 60 }), true);
  await made.calibrator.settled();
  expect(made.learnt).toBe(32 + 1);
});

test('a prompt with what cannot be counted teaches nothing', async () => {
  const made = stage();
  const hosted = { tools: [{ type: 'web_search_20250305', name: 'web_search' }] };
  made.calibrator.note(request(50, hosted), TARGET, usageOf({ input: 5000 }));
  await made.calibrator.settled();
  expect(made.calibrator.state).toEqual(NOTHING_LEARNT);
});

test('a vocabulary that cannot be read is reported, and hurts nobody', async () => {
  const made = stage(() => Promise.reject(new Error('no file')));
  made.calibrator.note(request(50), TARGET, usageOf({ input: 60 }));
  await made.calibrator.settled();
  expect(made.events.map(({ kind }) => kind)).toEqual(['internal-fault']);
});
