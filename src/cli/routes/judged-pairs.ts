import { latestUserText } from '../../core/route/latest-user-text.ts';
import type { OutcomeRow } from '../../core/replay/outcome-row.ts';
import type { JudgedPair } from '../../core/score/fit-score.ts';

/** Why rows teach a score nothing. @internal */
export type UnusedReason = 'same-id' | 'without-prompt' | 'without-model' | 'without-category';

/** What a score may learn from a table. @internal */
export interface JudgedPairs {
  readonly pairs: readonly JudgedPair[];
  /** How many of them have a prompt that came before: it stands among what is learnt and among what calibrates. */
  readonly repeats: number;
  /** How many rows were left out, by the first reason that holds. */
  readonly unused: ReadonlyMap<UnusedReason, number>;
}

/**
 * Takes the prompts that both models answered. Of rows with one id the first that has both counts: they are one call that was written down twice, and would stand on both
 * sides of the line between training and calibration. (A call that several candidates answered has a row for each of them.)
 * @param readsCategory - whether rows are read with their domain; those without one are then left out.
 * @internal
 */
export function judgedPairs(
  rows: readonly OutcomeRow[],
  { cheap, strong }: { readonly cheap: string; readonly strong: string },
  readsCategory: boolean,
): JudgedPairs {
  const pairs: JudgedPair[] = [];
  const unused = new Map<UnusedReason, number>();
  const ids = new Set<string>();
  for (const { id, prompt = '', domain, models } of rows) {
    const text = ownText(prompt);
    const qualities = { cheap: models.get(cheap)?.quality, strong: models.get(strong)?.quality };
    const isPair = qualities.cheap !== undefined && qualities.strong !== undefined;
    const isRepeated = isPair && id !== undefined && ids.has(id);
    if (isPair && id !== undefined) ids.add(id);
    const leaveOut = (reason: UnusedReason): unknown => unused.set(reason, (unused.get(reason) ?? 0) + 1);
    if (isRepeated) leaveOut('same-id');
    else if (text === '') leaveOut('without-prompt');
    else if (qualities.cheap === undefined || qualities.strong === undefined) leaveOut('without-model');
    else if (readsCategory && domain === undefined) leaveOut('without-category');
    else {
      const category = readsCategory ? domain : undefined;
      pairs.push({ text, category, cheap: qualities.cheap, strong: qualities.strong });
    }
  }
  return { pairs, repeats: pairs.length - new Set(pairs.map(({ text }) => text)).size, unused };
}

/** What a gateway scores of a call: the words of the user's own. */
function ownText(prompt: string): string {
  return latestUserText({
    tools: [],
    mustCallTool: false,
    formatText: undefined,
    messages: [{ role: 'user', name: undefined, blocks: [{ kind: 'text', text: prompt }] }],
  });
}
