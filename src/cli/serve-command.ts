import cluster from 'node:cluster';
import type { Command } from 'commander';
import { FarthingError } from '../core/errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { startLines } from './serve-lines.ts';
import { activeSettings, makesLocalKey, readSettings, reloadGateway, type ServeOptions } from './serve-settings.ts';
import { obeySignals } from './serve-signals.ts';

/** Beyond this the processes are in each other's way, and so are their memory caches. */
const MAX_WORKERS = 256;

/** Adds `farthing serve`. The server is loaded when it runs. @internal */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('Start the gateway. SIGTERM and SIGINT stop it well, SIGHUP reads the configuration again')
    .option('-c, --config <file>', 'the file (default: farthing.yaml, or the environment alone where there is none)')
    .option('--host <host>', 'listen on this host, whatever the configuration says')
    .option('--port <port>', 'listen on this port, whatever the configuration says; 0 takes a free one')
    .option('--workers <count>', 'so many processes on one port and one data folder, each with its own memory', '1')
    .action(serveCommand);
}

async function serveCommand(options: ServeOptions): Promise<void> {
  const { keepCrashesQuiet } = await import('./quiet-crashes.ts');
  keepCrashesQuiet();
  const workers = workersOf(options);
  if (workers > 1) {
    const { servePrimary, serveWorker } = await import('./serve-workers.ts');
    return cluster.isWorker ? serveWorker(options) : servePrimary(workers, options);
  }
  // Loaded while the settings are read. A fault of it is met below, where it is waited for.
  const server = import('../gateway/start-gateway.ts');
  server.catch(() => undefined);
  const settings = await activeSettings(options);
  const { startGateway } = await server;
  const gateway = await startGateway({
    ...settings,
    readSettings: () => readSettings(options),
    makeLocalKey: makesLocalKey(settings),
  });
  obeySignals({
    close: async () => {
      await gateway.close();
      return EXIT_CODES.ok;
    },
    reload: () => reloadGateway(gateway, options),
  });
  console.log(startLines(gateway, settings).join('\n'));
}

function workersOf({ workers = '1' }: ServeOptions): number {
  const count = Number(workers);
  if (/^\d+$/.test(workers) && count >= 1 && count <= MAX_WORKERS) return count;
  throw new FarthingError('configuration', `--workers ${workers}: a number of processes from 1 to ${MAX_WORKERS}`);
}
