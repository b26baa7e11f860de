import { expect, test } from 'vitest';
import type { Job } from '../../core/model/deferred-call.ts';
import { sampleJob, sampleJobResult } from '../../testing/sample-jobs.ts';
import { sampleCallRecord } from '../../testing/sample-ledger-rows.ts';
import { claimAnswer } from './claimed-answer.ts';

const RESPONSE = '{"id":"resp_1","object":"response","store":true,"status":"completed","output":[]}';

async function claimedBy(job: Job): Promise<readonly string[]> {
  const claims: string[] = [];
  await claimAnswer(job, {
    claimIfPossible: async (made, project, provider) => {
      claims.push(...made.map(({ id }) => `${project} ${provider} ${id}`));
    },
  });
  return claims;
}

function answered(body: string, outcome = 'complete'): Job {
  const result = sampleJobResult({ body, outcome, record: sampleCallRecord({ target: 'openai/gpt-5.4-mini' }) });
  return sampleJob({ endpoint: 'responses', project: 'search' }, { state: 'done', result });
}

test('a response that the provider keeps is its project’s before it is shown', async () => {
  expect(await claimedBy(answered(RESPONSE))).toEqual(['search openai resp_1']);
});

test('errors, calls without an answer and bodies that are no JSON name nothing', async () => {
  expect(await claimedBy(answered(RESPONSE, 'provider-error'))).toEqual([]);
  expect(await claimedBy(answered('<html>'))).toEqual([]);
  expect(await claimedBy(answered(''))).toEqual([]);
  expect(await claimedBy(sampleJob({ endpoint: 'responses' }))).toEqual([]);
});
