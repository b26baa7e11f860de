// Everything behind one method: a prompt in; the answer, its cost and what was saved out.
import { CostOptimizedLLM, createFarthing } from 'farthing';

const farthing = createFarthing({
  providers: { openai: { protocol: 'openai', baseUrl: process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1' } },
  apiKeys: { openai: process.env['OPENAI_API_KEY'] ?? '' },
  cache: { mode: 'all', ttlMs: 3_600_000 },
});
const llm = new CostOptimizedLLM({ farthing, defaultModel: 'gpt-5.4-mini' });

for (const user of ['alice', 'bob']) {
  const answer = await llm.complete('Name three old British coins.', { tags: { user } });
  console.log(`${user}: from cache ${answer.fromCache}, cost $${answer.costUsd}, saved $${answer.savedUsd}`);
}
for (const { group, calls, hits } of await farthing.report('model'))
  console.log(`${group}: ${calls} calls, ${hits} hits`);
await farthing.close();
