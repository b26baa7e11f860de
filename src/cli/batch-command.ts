import type { Command } from 'commander';
import { registerBatchCancel } from './batch/cancel-command.ts';
import { registerBatchRun } from './batch/run-command.ts';
import { registerBatchStatus } from './batch/status-command.ts';

/** Adds `farthing batch`. @internal */
export function registerBatch(program: Command): void {
  const group = program
    .command('batch')
    .description('Ask many prompts: live and paced, or as a batch of the provider at half price');
  registerBatchRun(group);
  registerBatchStatus(group);
  registerBatchCancel(group);
}
