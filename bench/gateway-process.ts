// The compiled gateway with everything on: auth, cache, two hard budgets, ledger on disk, metrics.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as loading from '../src/config/load-config.ts';
import type * as starting from '../src/gateway/start-gateway.ts';
import { announce, setting } from './support/bench-child.ts';

const built = setting('BENCH_BUILD');
const { loadConfig } = (await import(join(built, 'config', 'load-config.js'))) as typeof loading;
const { startGateway } = (await import(join(built, 'gateway', 'start-gateway.js'))) as typeof starting;
const { config } = loadConfig({
  text: setting('BENCH_CONFIG'),
  env: {},
  readFile: (path) => readFileSync(path, 'utf8'),
});
const gateway = await startGateway({ config });
announce(Number(new URL(gateway.url).port));
