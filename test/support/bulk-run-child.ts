// A run that may be killed: `bulk-run-child.ts ORIGIN JOURNAL OUTPUT COUNT`. Writes a line a result: the prompt's place and the answer's text.
import { appendFileSync, writeFileSync } from 'node:fs';
import { BatchProcessor } from '../../src/client/batch/batch-processor.ts';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { bulkPrompts } from './bulk-prompts.ts';

const [origin = '', journal = '', output = '', count = '0'] = process.argv.slice(2);
const farthing = createFarthing({
  cache: false,
  apiKeys: { openai: 'test' },
  providers: { openai: { protocol: 'openai', baseUrl: `${origin}/v1` } },
});
const processor = new BatchProcessor({
  farthing,
  model: 'gpt-5.4-mini',
  maxOutputTokens: 20,
  concurrency: 8,
  resume: journal,
});
writeFileSync(output, '');
for await (const result of processor.run(bulkPrompts(Number(count)))) {
  const words = result.kind === 'answer' ? JSON.stringify(result.body) : result.error.code;
  appendFileSync(output, `${result.index} ${result.costUsd} ${result.isRepeat} ${words}\n`);
}
await farthing.close();
