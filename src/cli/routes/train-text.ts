import type { TrainOutcome } from './train-score-file.ts';
import type { UnusedReason } from './judged-pairs.ts';

/** So many lines that cannot be used are named. */
const NAMED_FAULTS = 10;

const UNUSED: Readonly<Record<UnusedReason, string>> = {
  'same-id': 'an id that was there before',
  'without-prompt': 'no prompt',
  'without-model': 'no answer of one of the two models',
  'without-category': 'no domain',
};

/** What training came to, for people. @internal */
export function trainText(outcome: TrainOutcome): string {
  const { model, out, sizeBytes, strangeRatio } = outcome;
  const { targets, pairs, categoryTag } = model;
  return [
    `${out}: score ${model.id}, ${(sizeBytes / 1000).toFixed(0)} KB`,
    `cheap       ${targets.cheap}`,
    `strong      ${targets.strong}`,
    `pairs       ${outcome.pairs.length}: ${pairs.trained} to learn from, ${pairs.heldOut} to calibrate`,
    ...(categoryTag === null ? [] : [`category    tag ${categoryTag}, ${model.parameters.categories.length} values`]),
    `APGR        ${apgrText(outcome)}`,
    `threshold   ${thresholdText(outcome)}`,
    `strange     ${percent(strangeRatio)} of pairs like these would go to ${targets.strong} as unlike the training`,
    ...repeatsText(outcome),
    ...leftOut(outcome),
  ].join('\n');
}

/** What training came to, as JSON. @internal */
export function trainJson(outcome: TrainOutcome): string {
  const { model, worth, out, sizeBytes, strangeRatio, repeats, faults, dropped, unused } = outcome;
  const { parameters, ...facts } = model;
  const { categories } = parameters;
  const left = { faults, dropped: Object.fromEntries(dropped), unused: Object.fromEntries(unused) };
  return JSON.stringify({ out, sizeBytes, worth, strangeRatio, repeats, ...facts, categories, ...left }, undefined, 2);
}

function apgrText({ model: { apgr, targets }, worth }: TrainOutcome): string {
  if (apgr === null) {
    return `none: ${targets.strong} is not clearly better on these pairs, so there is nothing to tell apart. Not worth using`;
  }
  const figure = `${apgr.value.toFixed(3)} out of fold, 95 % between ${apgr.low.toFixed(3)} and ${apgr.high.toFixed(3)}; chance is 0.5`;
  return worth === 'chance' ? `${figure}. May be no better than chance: not worth using` : figure;
}

function thresholdText({ model: { certified, targets }, worth }: TrainOutcome): string {
  if (worth !== 'useful') return `none: without one ${targets.strong} answers all`;
  if (certified === null) return `none could be certified: ${targets.strong} answers all`;
  const { threshold, maxQualityLoss, confidenceRatio, cheapRatio } = certified;
  return (
    `${threshold.toPrecision(4)}: ${percent(cheapRatio)} of calls go to ${targets.cheap}, at a mean loss of at most ` +
    `${percent(maxQualityLoss)}, ${percent(confidenceRatio)} sure`
  );
}

/** So that a file that was given twice does not pass for a score that knows everything. */
function repeatsText({ pairs, repeats }: TrainOutcome): readonly string[] {
  if (repeats === 0) return [];
  const share = percent(repeats / pairs.length);
  return [
    `repeated    ${share} of prompts came before: all figures hold only where calls repeat themselves so, and reach a model when they do`,
  ];
}

function leftOut({ faults, dropped, unused }: TrainOutcome): readonly string[] {
  const named = faults.slice(0, NAMED_FAULTS).map(({ file, line, reason }) => `not read    ${file}:${line}: ${reason}`);
  const more = faults.length > NAMED_FAULTS ? [`not read    ${faults.length - NAMED_FAULTS} more lines`] : [];
  const counts = [
    ...[...dropped].map(([reason, count]) => `left out    ${count}: ${reason}`),
    ...[...unused].map(([reason, count]) => `left out    ${count}: ${UNUSED[reason]}`),
  ];
  return [...named, ...more, ...counts];
}

function percent(ratio: number): string {
  return `${Number((100 * ratio).toFixed(1))} %`;
}
