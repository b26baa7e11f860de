// What loading a tokenizer costs, told as JSON: run in a process of its own.
import { pathToFileURL } from 'node:url';
import type { Tokenizer } from '../../src/ports/tokenizer.ts';

interface Loader {
  loadTokenizer(encoding: string): Promise<Tokenizer>;
}

const [module = '', encoding = ''] = process.argv.slice(2);
const loader = (await import(pathToFileURL(module).href)) as Loader;
const before = process.memoryUsage().rss;
const beganAt = performance.now();
const tokenizer = await loader.loadTokenizer(encoding);
const loadMs = performance.now() - beganAt;
tokenizer.count('first words');
const firstCountMs = performance.now() - beganAt;
for (let index = 0; index < 2000; index += 1)
  tokenizer.count(`Some text number ${index} that is counted while memory is watched.`);
process.stdout.write(
  JSON.stringify({ loadMs, firstCountMs, rssMegabytes: (process.memoryUsage().rss - before) / 1e6 }),
);
