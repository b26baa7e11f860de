import { type Command, Option } from 'commander';
import { addDataOptions } from '../data-folder.ts';
import { parseLength } from '../time-option.ts';
import { INPUT_FORMATS } from './input-format.ts';
import { amount, positive, RUN_WAYS, type RunOptions, UNANSWERED_WAYS } from './run-options.ts';

const EXAMPLES = `
Examples:
  farthing batch run prompts.txt --model gpt-5.4-mini
  farthing batch run requests.jsonl --via batch --max-usd 20
  farthing batch run rows.csv --model gpt-5.4-mini --template "Translate {text} into {lang}" --dry-run

The same command again goes on where it ended. Exit codes: 0 all answered, 1 some were not, 2 the input or the command line is at fault.`;

/** Adds `farthing batch run`. What it takes is loaded when it runs. @internal */
export function registerBatchRun(group: Command): void {
  const command = group
    .command('run')
    .description('Ask all prompts or requests of a file, and write the results in its order')
    .argument('<file>', "OpenAI's batch lines, Anthropic's requests, a prompt a line, or a CSV file")
    .option('-m, --model <model>', 'the model of prompts, and of requests that name none')
    .option('-o, --out <file>', 'where the results go; -: standard output (default: beside the input)')
    .addOption(new Option('--format <format>', 'what the file holds (default: found out)').choices(INPUT_FORMATS))
    .option('--template <text>', 'makes prompts of CSV records: "Translate {text} into {lang}"')
    .option('--system <text>', 'the system prompt of prompts')
    .option('--max-output-tokens <n>', 'the most that a prompt may be answered with', positive)
    .addOption(
      new Option('--via <way>', "live: now; batch: by the provider's batches, cheaper and within a day")
        .choices(RUN_WAYS)
        .default('live'),
    )
    .option('--concurrency <n>', 'live calls at a time', positive)
    .option('--rpm <n>', 'requests a minute (default: what the provider allows)', positive)
    .option('--tpm <n>', 'tokens a minute (default: what the provider allows)', positive)
    .option('--group <n>', 'pause after so many items', positive)
    .option('--group-delay <length>', 'how long that pause is: 30s', parseLength)
    .option('--max-usd <dollars>', 'never spend more', amount)
    .addOption(
      new Option('--on-unanswered <what>', 'what becomes of items that a batch did not answer')
        .choices(UNANSWERED_WAYS)
        .default('batch'),
    )
    .option('--dry-run', 'check the input, say what it would cost, and send nothing')
    .option('--skip-invalid', 'leave out lines that are at fault, and name them')
    .option('--fresh', 'begin anew, whatever an earlier run has answered')
    .option('-y, --yes', 'do not ask before starting')
    .option('--json', 'estimate and summary as JSON on standard output')
    .addHelpText('after', EXAMPLES);
  addDataOptions(command).action(async (file: string, options: RunOptions) => {
    const { runBatch } = await import('./run-batch.ts');
    process.exitCode = await runBatch(file, options);
  });
}
