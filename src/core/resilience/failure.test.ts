import { expect, test } from 'vitest';
import type { ReplyError } from '../model/reply.ts';
import { errorStatus, failureKind, type FailureKind } from './failure.ts';

function kindOf(status: number | undefined, error?: ReplyError): FailureKind {
  return failureKind({ status, code: undefined, mayPass: false, error });
}

function said(message: string, code?: string, type = 'invalid_request_error'): ReplyError {
  return code === undefined ? { type, message } : { type, message, code };
}

test.each<[number, FailureKind]>([
  [400, 'wrong'],
  [401, 'refused'],
  [402, 'refused'],
  [403, 'refused'],
  [404, 'wrong'],
  [408, 'transient'],
  [409, 'transient'],
  [413, 'too-long'],
  [418, 'wrong'],
  [422, 'wrong'],
  [429, 'limited'],
  [500, 'transient'],
  [501, 'missing'],
  [502, 'transient'],
  [503, 'transient'],
  [504, 'transient'],
  [505, 'missing'],
  [529, 'transient'],
])('a status %i without words is %s', (status, kind) => {
  expect(kindOf(status)).toBe(kind);
});

// Bodies as providers send them; sources stand beside the words in the module.
test.each<[string, number, ReplyError, FailureKind]>([
  ['OpenAI, rate limit', 429, said('Rate limit reached for gpt-5.4', 'rate_limit_exceeded', 'requests'), 'limited'],
  [
    'OpenAI, quota',
    429,
    said('You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'),
    'refused',
  ],
  ['Google, a quota of one minute', 429, said('You exceeded your current quota. Retry in 12 s.', '429'), 'limited'],
  ['OpenRouter, upstream limit', 429, said('Provider returned error', '429'), 'limited'],
  ['Anthropic, credit', 400, said('Your credit balance is too low to access the Anthropic API.'), 'refused'],
  ['DeepSeek, balance', 402, said('Insufficient Balance', 'invalid_request_error'), 'refused'],
  [
    'OpenAI, too long',
    400,
    said("This model's maximum context length is 128000 tokens.", 'context_length_exceeded'),
    'too-long',
  ],
  ['Anthropic, too long', 400, said('prompt is too long: 210000 tokens > 200000 maximum'), 'too-long'],
  [
    'vLLM, too long',
    400,
    said("This model's maximum context length is 4096 tokens. However, you requested 5000."),
    'too-long',
  ],
  ['Azure, filter', 400, said('The response was filtered due to the prompt', 'content_filter'), 'filtered'],
  ['OpenRouter, moderation', 403, said('Your input was flagged by moderation', '403'), 'filtered'],
  ['OpenAI, no such model', 404, said('The model `x` does not exist', 'model_not_found'), 'missing'],
  ['OpenAI, no such model as 400', 400, said("The requested model 'x' does not exist.", 'model_not_found'), 'missing'],
  ['Anthropic, no such model', 404, said('model: claude-x', undefined, 'not_found_error'), 'missing'],
  ['a plain 404', 404, said('Not found'), 'wrong'],
  [
    'a value out of range',
    400,
    said("Invalid 'temperature': decimal below minimum value.", 'decimal_below_min_value'),
    'wrong',
  ],
])('%s', (_name, status, error, kind) => {
  expect(kindOf(status, error)).toBe(kind);
});

test('words count for refusals only: a server that fails and speaks of billing has failed', () => {
  expect(kindOf(500, said('billing service unavailable'))).toBe('transient');
});

test('what never came to its end counts by our own name for it', () => {
  const broken = { status: 200, error: undefined } as const;
  expect(failureKind({ ...broken, code: 'provider-timeout', mayPass: true })).toBe('silent');
  expect(failureKind({ ...broken, code: 'provider-broken', mayPass: true })).toBe('transient');
  expect(failureKind({ ...broken, code: 'provider-unreachable', mayPass: true })).toBe('transient');
  expect(failureKind({ ...broken, code: 'provider-failed', mayPass: false })).toBe('missing');
});

test.each<[ReplyError, number]>([
  [said('busy', undefined, 'overloaded_error'), 529],
  [said('slow down', 'rate_limit_exceeded', 'requests'), 429],
  [said('upstream', '503'), 503],
  [said('?', 'something_else', 'nobody_knows'), 502],
  [said('?', '200', 'nobody_knows'), 502],
])('an error inside a 200 stands for a status: %j', (error, status) => {
  expect(errorStatus(error)).toBe(status);
  expect(kindOf(200, error)).toBe(kindOf(status, error));
});
