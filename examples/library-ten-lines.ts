// The official client, cached, priced and explained, with no server in between.
import { createFarthing, formatUsd } from 'farthing';
import OpenAI from 'openai';

const baseUrl = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
const farthing = createFarthing({
  providers: { openai: { protocol: 'openai', baseUrl } },
  cache: { mode: 'all', ttlMs: 3_600_000 },
  onCall: ({ cacheStatus, costNanoUsd, savedNanoUsd }) => {
    if (costNanoUsd === undefined || savedNanoUsd === undefined) return; // a model without a price
    console.log(`${cacheStatus}: cost $${formatUsd(costNanoUsd)}, saved $${formatUsd(savedNanoUsd)}`);
  },
});
const openai = new OpenAI({ fetch: farthing.fetch });

for (const round of [1, 2]) {
  const messages = [{ role: 'user' as const, content: 'What is a farthing?' }];
  const reply = await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages });
  console.log(`answer ${round}: ${reply.choices[0]?.message.content?.slice(0, 60)}`);
}
await farthing.close();
