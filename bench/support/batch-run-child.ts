// One run of the million-item bench, in a process of its own: it may be killed at any moment, and its memory is its own.
// Arguments: input, output, folder, concurrency. Lines of JSON on standard output: how far it is, and in the end the figures.
import { closeSync, openSync, writeSync } from 'node:fs';
import { BatchProcessor } from '../../src/client/batch/batch-processor.ts';
import type { BatchEngine } from '../../src/client/batch/item-call.ts';
import { openInput } from '../../src/cli/batch/input-items.ts';
import { resultLine } from '../../src/cli/batch/result-line.ts';
import { openResultsFile } from '../../src/cli/batch/results-file.ts';
import { checkedItems } from '../../src/cli/batch/run-items.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import { openFolderStores } from '../../src/engine/folder-stores.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { Provider } from '../../src/ports/provider.ts';
import { simulatedBatchProvider } from '../../src/testing/simulated-batch-provider.ts';
import { RUN_MAX_OUTPUT_TOKENS, RUN_MODEL } from './batch-run-settings.ts';

const [input = '', output = '', folder = '', concurrency = '16'] = process.argv.slice(2);
const CALLER = { project: 'bench', keyId: 'bench' };
const ITEM = /item (\d+):/;
const TOLD_EVERY_MS = 500;

const simulated = simulatedBatchProvider({
  protocol: 'openai',
  clock: systemClock,
  prices: { 'gpt-5.4-mini': { input: 750_000, cacheRead: 75_000, output: 4_500_000 } },
});
// Written as the provider is asked, so that what a killed process had asked is known: the system keeps what was written.
const asked = openSync(`${output}.asked`, 'a');
const provider: Provider = {
  ...simulated.provider,
  send(request, listener) {
    const item = request.body instanceof Uint8Array ? ITEM.exec(Buffer.from(request.body).toString())?.[1] : undefined;
    writeSync(asked, `${item ?? 'unknown'}\n`);
    return simulated.provider.send(request, listener);
  },
};
const stores = await openFolderStores({
  folder,
  clock: systemClock,
  random: systemRandom,
  onFault: (store, operation, error) => process.stderr.write(`${store} ${operation} ${String(error)}\n`),
});
const engine = createEngine({
  providers: [{ provider, vendor: 'openai', identity: 'simulated' }],
  priceBook: shippedPriceBook(),
  cache: { store: stores.cache, mode: 'deterministic', ttlMs: 3_600_000 },
  ledger: stores.ledger,
  reader: stores.ledger,
  ownerId: stores.ledger.ownerId,
  states: stores.stateStore,
  clock: systemClock,
  random: systemRandom,
});
const face: BatchEngine = {
  handle: (call, sink) => engine.handle({ ...call, caller: CALLER }, sink),
  callRecord: (callId) => engine.callRecord(callId, CALLER.project),
  protocolOf: () => 'openai',
};
const memory: { readonly done: number; readonly rssBytes: number }[] = [];
let toldAtMs = 0;
const processor = new BatchProcessor({
  farthing: face,
  model: RUN_MODEL,
  maxOutputTokens: RUN_MAX_OUTPUT_TOKENS,
  concurrency: Number(concurrency),
  resume: `${output}.journal`,
  onProgress: ({ done }) => {
    if (performance.now() - toldAtMs < TOLD_EVERY_MS) return;
    toldAtMs = performance.now();
    const rssBytes = process.memoryUsage.rss();
    memory.push({ done, rssBytes });
    process.stdout.write(`${JSON.stringify({ done, rssBytes })}\n`);
  },
});
const source = await openInput({ path: input, format: 'lines', template: undefined, model: RUN_MODEL });
const sink = await openResultsFile(output);
const run = processor.run(checkedItems(source, []));
for await (const result of run) await sink.write(resultLine(result, 'lines'));
await sink.finish();
await engine.close();
await stores.close();
closeSync(asked);
const maxRssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ summary: run.summary(), memory, maxRssBytes })}\n`);
