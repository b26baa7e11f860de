import type { CacheRatios } from '../../src/core/prefix/prefix-block.ts';
import { type RecurrencePlan, RecurrencePlanner } from '../../src/core/prefix/recurrence-planner.ts';
import { promptOf, seededChance } from './cache-traces.ts';

/** What an adversary reached, as shares of the uncached bill. @internal */
export interface AdversaryResult {
  /** Over the better of never and always. */
  readonly excess: number;
  /** Over never. */
  readonly debt: number;
}

/** Of what was asked before: how it was planned last, and whether it is open to be asked again. */
interface Prompt {
  readonly name: string;
  isWritten: boolean;
}

/**
 * Sees each decision before it sends the next prompt: what was written never comes again, what was not comes again, while it can still be read
 * had it been written. Two-sided: `onceShare` of its prompts are one-off whatever was decided, so that the planner cannot just always write.
 * @internal
 */
function adversary(
  calls: number,
  ratios: CacheRatios,
  seed: number,
  onceShare: number,
  gapMs: number,
): AdversaryResult {
  const planner = new RecurrencePlanner({ ...ratios, ttlMs: 300_000 });
  const chance = seededChance(seed);
  let open: Prompt[] = [];
  for (let index = 0; index < calls; index += 1) {
    const pick = chance() < onceShare ? undefined : open.shift();
    const prompt = pick ?? { name: `p${index}`, isWritten: false };
    const plan: RecurrencePlan = planner.plan(promptOf(prompt.name, 8, 500), index * gapMs);
    prompt.isWritten = plan.writeDepth >= 4;
    if (!prompt.isWritten) open.push(prompt);
    open = open.slice(-20);
  }
  const { uncached, always, planned } = planner.bills();
  return {
    excess: (planned - Math.min(uncached, always)) / uncached,
    debt: (planned - uncached) / uncached,
  };
}

/** The most that any of several such adversaries reaches. @internal */
export function worstAdversary(calls: number, ratios: CacheRatios): AdversaryResult {
  const results = [0, 0.2, 0.4, 0.6, 0.8].flatMap((onceShare) =>
    [1000, 5000].map((gapMs) => adversary(calls, ratios, 1, onceShare, gapMs)),
  );
  return {
    excess: Math.max(...results.map(({ excess }) => excess)),
    debt: Math.max(...results.map(({ debt }) => debt)),
  };
}
