// The gateway with everything on that this version has: auth, cache, ledger on disk, metrics.
import { readFileSync } from 'node:fs';
import { loadConfig } from '../src/config/load-config.ts';
import { startGateway } from '../src/gateway/start-gateway.ts';
import { announce, setting } from './support/bench-child.ts';

const { config } = loadConfig({
  text: setting('BENCH_CONFIG'),
  env: {},
  readFile: (path) => readFileSync(path, 'utf8'),
});
const gateway = await startGateway({ config });
announce(Number(new URL(gateway.url).port));
