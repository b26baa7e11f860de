import { expect, test } from 'vitest';
import { sampleDeferredCall } from '../../testing/sample-jobs.ts';
import { liveRequest } from './live-request.ts';

test('a cheaper tier is no part of the body: a target that answers instead may not have it', () => {
  const call = sampleDeferredCall();
  const terms = { attempts: 1, held: undefined, signal: new AbortController().signal, onRecord: () => undefined };
  const { body, resumes } = liveRequest(call, { ...terms, serviceTier: 'flex' });
  expect(Buffer.from(body).toString()).toBe(call.body);
  expect(resumes?.serviceTier).toBe('flex');
});
