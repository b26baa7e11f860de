import { type Command, InvalidArgumentError } from 'commander';
import type { DataOptions } from '../data-folder.ts';
import { EXIT_CODES } from '../exit-codes.ts';

interface TestOptions extends DataOptions {
  readonly certified?: boolean;
  readonly outputTokens: number;
  readonly json?: boolean;
}

/** Adds `farthing routes test`. @internal */
export function registerRouteTest(group: Command): void {
  group
    .command('test')
    .description(
      'Route the calls of a log without asking anybody: where each would have gone, and what that would have cost',
    )
    .argument(
      '<log.jsonl>',
      'a call log with bodies, or lines {"endpoint", "headers", "tags", "body"}; .gz is unpacked',
    )
    .option('-c, --config <file>', 'the configuration whose routes are tried (default: farthing.yaml)')
    .option('-d, --data <folder>', 'where gateways keep what they have certified (default: that of the configuration)')
    .option('--certified', 'as if the guard had certified the cheapest target of each route')
    .option(
      '--output-tokens <n>',
      'taken for the answer to a line that has none (default: 0, input alone)',
      wholeNumber,
      0,
    )
    .option('--json', 'JSON instead of a table')
    .action(testCommand);
}

async function testCommand(file: string, options: TestOptions): Promise<void> {
  const { DryRouting } = await import('./dry-routing.ts');
  const { routeLines } = await import('./route-lines.ts');
  const { routeTrial } = await import('./route-trial.ts');
  const { trialJson, trialText } = await import('./trial-text.ts');
  const routing = await DryRouting.open(options);
  const trial = await routeTrial(routing, routeLines(file), options);
  console.log(options.json === true ? trialJson(trial) : trialText(trial, routing.rules));
  if (trial.calls === 0) process.exitCode = EXIT_CODES.usage;
}

function wholeNumber(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number from 0 up');
}
