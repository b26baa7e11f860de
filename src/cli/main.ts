#!/usr/bin/env node
// What is imported here must load on any Node of the last years: the rest, which needs a newer one, comes after the look at the version.
import { EXIT_CODES } from './exit-codes.ts';
import { nodeVersionFault } from './node-version.ts';

const fault = nodeVersionFault(process.versions.node);
if (fault === undefined) {
  const { replaceByLean } = await import('./lean-process.ts');
  replaceByLean();
  const { runCommandLine } = await import('./run-command-line.ts');
  await runCommandLine(process.argv.slice(2));
} else {
  console.error(fault);
  process.exitCode = EXIT_CODES.usage;
}
