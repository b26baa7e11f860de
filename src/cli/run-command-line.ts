import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { reportFailure } from './report-failure.ts';

/** A group of commands. Its file, with all that it needs, is loaded only when the group is asked for. */
interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<(program: Command) => void>;
}

const GROUPS: readonly CommandGroup[] = [
  {
    name: 'serve',
    summary: 'Start the gateway',
    load: async () => (await import('./serve-command.ts')).registerServe,
  },
  {
    name: 'demo',
    summary: 'A day of simulated traffic in a minute, and its bill; needs no key',
    load: async () => (await import('./demo-command.ts')).registerDemo,
  },
  {
    name: 'batch',
    summary: 'Ask many prompts at once, live or as batches at half price',
    load: async () => (await import('./batch-command.ts')).registerBatch,
  },
  {
    name: 'config',
    summary: 'Check and explain the configuration',
    load: async () => (await import('./config-command.ts')).registerConfig,
  },
  {
    name: 'keys',
    summary: 'Create, list, revoke and rotate gateway keys',
    load: async () => (await import('./keys-command.ts')).registerKeys,
  },
  {
    name: 'budgets',
    summary: 'List, set, reset and explain budgets',
    load: async () => (await import('./budgets-command.ts')).registerBudgets,
  },
  {
    name: 'report',
    summary: 'What was spent and saved, by day, model, project, key or tag',
    load: async () => (await import('./report-command.ts')).registerReport,
  },
  {
    name: 'ledger',
    summary: 'List, export and verify the ledger',
    load: async () => (await import('./ledger-command.ts')).registerLedger,
  },
  {
    name: 'prices',
    summary: 'Show, compare, update and explain prices',
    load: async () => (await import('./prices-command.ts')).registerPrices,
  },
  {
    name: 'tokens',
    summary: 'Count the input tokens of a text or a request, and price them',
    load: async () => (await import('./tokens-command.ts')).registerTokens,
  },
  {
    name: 'compress',
    summary: 'Make a text or the texts of a request shorter, and show what went',
    load: async () => (await import('./compress-command.ts')).registerCompress,
  },
  {
    name: 'replay',
    summary: 'What routing policies would have cost and been worth on recorded outcomes',
    load: async () => (await import('./replay-command.ts')).registerReplay,
  },
  {
    name: 'routes',
    summary: 'Explain routes, try them on a log, train scores, show what is certified',
    load: async () => (await import('./routes-command.ts')).registerRoutes,
  },
];

const EXAMPLES = `
Examples:
  farthing demo                          see what it does, without a key
  OPENAI_API_KEY=... farthing serve      start the gateway on 127.0.0.1:4141
  farthing config check                  check farthing.yaml, with line numbers
  farthing report --by model             what each model cost and what was saved

Exit codes: 0 done, 1 failed, 2 the command line or the configuration is at fault.`;

/**
 * Runs one command line and sets the exit code of the process. Never throws: what goes wrong is said on standard error.
 * @param commandLine - The words behind `farthing`.
 * @internal
 */
export async function runCommandLine(commandLine: readonly string[]): Promise<void> {
  // `farthing ... | head` closes the pipe early: that is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A command that listens as well has more to do than to end.
    if (process.stdout.listenerCount('error') > 1) return;
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CODES.ok);
  });
  try {
    const exitCode = await run(commandLine);
    // A command may have set its own code.
    process.exitCode ??= exitCode;
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
}

async function run(commandLine: readonly string[]): Promise<ExitCode> {
  const program = new Command('farthing')
    .description('Makes programs that call large language models cheaper, and proves it.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help, also of a command')
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText('after', EXAMPLES)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .showHelpAfterError('(farthing --help lists the commands)')
    .exitOverride();
  const words = commandLine.filter((word) => !word.startsWith('-'));
  const asked = words[0] === 'help' ? words[1] : words[0];
  const register = await GROUPS.find((group) => group.name === asked)?.load();
  for (const group of GROUPS) {
    // Only the group asked for needs its real commands; the others stand by name, for help and for suggestions.
    if (group.name === asked) register?.(program);
    else program.command(group.name);
    program.commands.find((command) => command.name() === group.name)?.summary(group.summary);
  }
  if (commandLine.length === 0) {
    program.outputHelp();
    return EXIT_CODES.ok;
  }
  await program.parseAsync(commandLine, { from: 'user' });
  return EXIT_CODES.ok;
}

/** The folder above `src/cli` and `dist/cli` alike holds the package's description. */
function packageVersion(): string {
  const description: { readonly version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return description.version;
}
