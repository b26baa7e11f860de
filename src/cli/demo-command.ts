import { type Command, InvalidArgumentError } from 'commander';
import type { DemoBill } from './demo/demo-bill.ts';
import type { RunFacts } from './demo/demo-bill-text.ts';
import type { PlannedCall } from '../simulator/traffic/planned-call.ts';

interface DemoOptions {
  readonly calls: number;
  readonly seconds: number;
  readonly seed: number;
  readonly userLimit?: number;
  readonly json?: boolean;
}

/** Share of a real provider's latency that the demo waits for: a day does not fit into a minute otherwise. */
const LATENCY_RATIO = 1 / 40;
const DAY_SECONDS = 86_400;
/** Share of the calls that can wait: the nightly summaries. */
const WAITING_RATIO = 0.05;
/** For how long their answers are waited for when the day is over, in milliseconds: far longer than a batch takes in a day of a minute. */
const ANSWERS_WITHIN_MS = 20_000;

/** Adds `farthing demo`. The gateway and the simulator are loaded when it runs. @internal */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'Send a simulated day of calls through the real gateway and print the bill; needs no key and no service',
    )
    .option('--calls <number>', 'how many calls', wholeNumber(1, 200_000), 4000)
    .option('--seconds <number>', 'how long the day takes', wholeNumber(1, DAY_SECONDS), 60)
    .option('--seed <number>', 'which day: the same seed is the same traffic', wholeNumber(0, 2 ** 31), 1)
    .option('--user-limit <usd>', 'what each user may spend, in dollars (0.50 unless said)', dollarAmount)
    .option('--json', 'print the bill as JSON with exact amounts')
    .action(demoCommand);
}

function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Write a whole number from ${low} to ${high}.`);
  };
}

function dollarAmount(text: string): number {
  const value = /^\d{1,6}(?:\.\d{1,4})?$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError('Write an amount in dollars: 0.10.');
}

async function demoCommand(options: DemoOptions): Promise<void> {
  const { bill, facts } = await runDemo(options);
  if (options.json === true) {
    const { demoBillJson } = await import('./demo/demo-bill-json.ts');
    console.log(demoBillJson(bill, facts));
    return;
  }
  const { demoBillText } = await import('./demo/demo-bill-text.ts');
  console.log(`\n${demoBillText(bill, facts)}`);
}

async function runDemo(options: DemoOptions): Promise<{ bill: DemoBill; facts: RunFacts }> {
  const { calls, seconds, seed, userLimit, json } = options;
  const { startStack } = await import('./demo/start-stack.ts');
  const { sendTraffic } = await import('./demo/send-traffic.ts');
  const { collectAnswers } = await import('./demo/collect-answers.ts');
  const { demoBill } = await import('./demo/demo-bill.ts');
  const { demoProgress } = await import('./demo/demo-progress.ts');
  const speed = { timeScale: DAY_SECONDS / seconds, latencyRatio: LATENCY_RATIO };
  const plan = await dayPlan(seed, calls);
  const stack = await startStack({ seed, ...speed, calls, userLimitUsd: userLimit });
  try {
    if (json !== true)
      console.log(`A day of ${calls.toLocaleString('en-US')} calls in ${seconds} s, through ${stack.gatewayUrl}`);
    const bar = demoProgress(calls, json === true);
    const startMs = performance.now();
    const { outcome, taken } = await sendTraffic(plan, { ...stack, ...speed, onDone: (done) => bar.advance(done) });
    bar.stop();
    const dayMs = performance.now() - startMs;
    const later = await collectAnswers(taken, { gatewayUrl: stack.gatewayUrl, withinMs: ANSWERS_WITHIN_MS });
    const facts = { seed, seconds: dayMs / 1000, latencyRatio: LATENCY_RATIO, outcome, later };
    return { bill: demoBill(await stack.settle()), facts };
  } finally {
    await stack.close();
  }
}

/** What is asked by day and what is asked by night, in the order of time. */
async function dayPlan(seed: number, calls: number): Promise<readonly PlannedCall[]> {
  const { nightlyPlan } = await import('../simulator/traffic/nightly-plan.ts');
  const { trafficPlan } = await import('../simulator/traffic/traffic-plan.ts');
  const waiting = Math.round(calls * WAITING_RATIO);
  const plan = [...nightlyPlan(seed, waiting), ...trafficPlan(seed, calls - waiting)];
  return plan.toSorted((left, right) => left.atMs - right.atMs);
}
