// One run of the million-item bench, in a process of its own: it may be killed at any moment, and its memory is its own.
// Arguments: input, output, folder, concurrency, model, output limit. Lines of JSON on standard output: how far it is, and in the end the figures.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type * as processing from '../../src/client/batch/batch-processor.ts';
import type { BatchEngine } from '../../src/client/batch/item-call.ts';
import type * as reading from '../../src/cli/batch/input-items.ts';
import type * as lines from '../../src/cli/batch/result-line.ts';
import type * as files from '../../src/cli/batch/results-file.ts';
import type * as checked from '../../src/cli/batch/run-items.ts';
import type * as shipped from '../../src/core/price-book-shipped.ts';
import type * as engines from '../../src/engine/create-engine.ts';
import type * as folders from '../../src/engine/folder-stores.ts';
import type * as system from '../../src/engine/system-ports.ts';
import type { Provider } from '../../src/ports/provider.ts';
import type * as simulating from '../../src/testing/simulated-batch-provider.ts';
import { setting } from './bench-child.ts';

// What users run: from source each thread would carry Node's TypeScript stripper, of 40 MB.
const built = setting('BENCH_BUILD');
const { BatchProcessor } = await load<typeof processing>('client/batch/batch-processor.js');
const { openInput } = await load<typeof reading>('cli/batch/input-items.js');
const { resultLine } = await load<typeof lines>('cli/batch/result-line.js');
const { openResultsFile } = await load<typeof files>('cli/batch/results-file.js');
const { checkedItems } = await load<typeof checked>('cli/batch/run-items.js');
const { shippedPriceBook } = await load<typeof shipped>('core/price-book-shipped.js');
const { createEngine } = await load<typeof engines>('engine/create-engine.js');
const { openFolderStores } = await load<typeof folders>('engine/folder-stores.js');
const { systemClock, systemRandom } = await load<typeof system>('engine/system-ports.js');
const { simulatedBatchProvider } = await load<typeof simulating>('testing/simulated-batch-provider.js');

const [input = '', output = '', folder = '', concurrency = '16', model = '', maxOutputTokens = '16'] =
  process.argv.slice(2);
const CALLER = { project: 'bench', keyId: 'bench' };
const ITEM = /item (\d+):/;
const TOLD_EVERY_MS = 500;

const simulated = simulatedBatchProvider({
  protocol: 'openai',
  clock: systemClock,
  countsAnswers: false,
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
  model,
  maxOutputTokens: Number(maxOutputTokens),
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
const source = await openInput({ path: input, format: 'lines', template: undefined, model });
const sink = await openResultsFile(output);
const run = processor.run(checkedItems(source, []));
for await (const result of run) await sink.write(resultLine(result, 'lines'));
await sink.finish();
await engine.close();
await stores.close();
closeSync(asked);
const maxRssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ summary: run.summary(), memory, maxRssBytes })}\n`);

async function load<Module>(path: string): Promise<Module> {
  return (await import(join(built, path))) as Module;
}
