import type { Command } from 'commander';
import { registerRouteExplain } from './routes/explain-command.ts';
import { registerStatus } from './routes/status-command.ts';
import { registerRouteTest } from './routes/test-command.ts';
import { registerTrain } from './routes/train-command.ts';

/** Adds `farthing routes`. @internal */
export function registerRoutes(program: Command, stdin: AsyncIterable<Uint8Array> = process.stdin): void {
  const group = program
    .command('routes')
    .description('Explain routes, try them on a log, train scores, show what is certified');
  registerRouteExplain(group, stdin);
  registerRouteTest(group);
  registerTrain(group);
  registerStatus(group);
}
