// Many prompts at once: what they will cost, results in the order of the prompts, and errors that stop nothing but their own prompt.
import { BatchProcessor, createFarthing } from 'farthing';

const baseUrl = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
const farthing = createFarthing({
  providers: { openai: { protocol: 'openai', baseUrl } },
  apiKeys: { openai: process.env['OPENAI_API_KEY'] ?? '' },
});
const coins = ['farthing', 'groat', 'florin', 'crown', 'guinea', 'farthing'];
const prompts = coins.map((coin) => ({ id: coin, prompt: `What is a ${coin}?` }));

// `live` asks at once, as fast as the provider lets; `batch` sends the same through its Batch API: half the price, within a day.
for (const mode of ['live', 'batch'] as const) {
  const processor = new BatchProcessor({ farthing, mode, model: 'gpt-5.4-mini', maxOutputTokens: 200, maxUsd: '0.50' });
  const { [mode]: cost } = await processor.estimate(prompts);
  console.log(`${mode}: at the most $${cost?.mostUsd}`);
  const run = processor.run(prompts);
  for await (const result of run) {
    console.log(`${result.id}: ${result.kind === 'answer' ? result.content.slice(0, 50) : result.error.message}`);
  }
  const { answered, costUsd, unspentUsd } = run.summary();
  console.log(`${mode}: ${answered} of ${prompts.length} answered for $${costUsd}, $${unspentUsd} left`);
}
await farthing.close();
