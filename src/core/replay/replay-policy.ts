import {
  agreementCascade,
  type AnswersAgree,
  type CascadeDecisions,
  checkCascade,
  failsChecks,
} from './cascade-decisions.ts';
import { categoryFit } from './category-fit.ts';
import { certifiedDecisions, type CertifiedOptions } from './certified-decisions.ts';
import { type FoldOptions, outOfFoldScores, type ScoreFit } from './out-of-fold.ts';
import type { PairedRow } from './paired-rows.ts';
import { type ReplayRow, routedRows } from './replay-row.ts';
import { scoreFit } from './score-fit.ts';

/** What can be asked for beside the baselines. @public */
export const POLICY_NAMES = ['length', 'category', 'score', 'agree', 'checks', 'format', 'certified'] as const;

/** One of {@link POLICY_NAMES}. @public */
export type PolicyName = (typeof POLICY_NAMES)[number];

/** What every policy is measured against. @public */
export type BaselineName = 'always-cheap' | 'always-strong' | 'random' | 'oracle';

/** A policy as it went about the rows of a table. @public */
export type ReplayPolicy =
  /** A score, to be cut at any threshold. */
  | {
      readonly kind: 'curve';
      readonly name: PolicyName | BaselineName;
      readonly rows: readonly ReplayRow[];
      readonly scores: ArrayLike<number>;
    }
  /** Decided calls. */
  | {
      readonly kind: 'point';
      readonly name: PolicyName | BaselineName;
      readonly rows: readonly ReplayRow[];
      readonly isSent: readonly boolean[];
      /** What a reader should know. */
      readonly note?: string;
    }
  /** It needs what the table does not have. */
  | { readonly kind: 'unfit'; readonly name: PolicyName; readonly reason: string };

/** What policies are made with. @public */
export interface PolicyOptions extends FoldOptions, CertifiedOptions {
  readonly agree: AnswersAgree;
}

/** The four that stand beside every policy. @public */
export function baselines(paired: readonly PairedRow[]): readonly Exclude<ReplayPolicy, { kind: 'unfit' }>[] {
  const rows = routedRows(paired);
  return [
    { kind: 'point', name: 'always-cheap', rows, isSent: rows.map(() => false) },
    { kind: 'point', name: 'always-strong', rows, isSent: rows.map(() => true) },
    { kind: 'curve', name: 'random', rows, scores: rows.map(() => 0) },
    { kind: 'curve', name: 'oracle', rows, scores: rows.map(({ kept, sent }) => sent.quality - kept.quality) },
  ];
}

/** Lets a policy decide the rows of a table, or says what the table lacks. @public */
export function replayPolicy(name: PolicyName, rows: readonly PairedRow[], options: PolicyOptions): ReplayPolicy {
  const reason = lackOf(name, rows);
  if (reason !== undefined) return { kind: 'unfit', name, reason };
  const learnt = (fit: ScoreFit): ReplayPolicy => ({
    kind: 'curve',
    name,
    rows: routedRows(rows),
    scores: outOfFoldScores(rows.length, options, fit),
  });
  const decided = ({ rows: steps, isSent }: CascadeDecisions): ReplayPolicy => ({
    kind: 'point',
    name,
    rows: steps,
    isSent,
  });
  switch (name) {
    case 'length':
      return { kind: 'curve', name, rows: routedRows(rows), scores: rows.map(({ row }) => row.prompt?.length ?? 0) };
    case 'category':
      return learnt(categoryFit(rows));
    case 'score':
      return learnt(scoreFit(rows, options.seed));
    case 'agree':
      return decided(agreementCascade(rows, options.agree));
    case 'checks':
      return decided(checkCascade(rows, failsChecks));
    case 'format':
      return decided(checkCascade(rows, ({ cheap }) => cheap.isFormatOk === false));
    case 'certified':
      return certified(rows, options);
  }
}

/** By the category where rows have one: with few rows it is the better score, and it is learnt at once. */
function certified(rows: readonly PairedRow[], options: PolicyOptions): ReplayPolicy {
  const hasDomains = lackOf('category', rows) === undefined;
  const fit = hasDomains ? categoryFit(rows) : scoreFit(rows, options.seed);
  const { isSent, refusedFolds } = certifiedDecisions(rows, options, fit);
  const note = `threshold on the ${hasDomains ? 'category' : 'score'}${refusedFolds === 0 ? '' : `; refused in ${refusedFolds} folds`}`;
  return { kind: 'point', name: 'certified', rows: routedRows(rows), isSent, note };
}

/** What a table lacks for a policy; undefined: nothing. */
function lackOf(name: PolicyName, rows: readonly PairedRow[]): string | undefined {
  const has = (fits: (row: PairedRow) => boolean): boolean => rows.some(fits);
  switch (name) {
    case 'length':
    case 'score':
      return has(({ row }) => row.prompt !== undefined) ? undefined : 'no row has a prompt';
    case 'category':
      return new Set(rows.map(({ row }) => row.domain)).size > 1 ? undefined : 'the rows are not of several domains';
    case 'agree':
      if (!has(({ checkers }) => checkers.length > 0)) return 'no checker is named';
      return has(({ cheap }) => cheap.answer !== undefined) ? undefined : 'no row has the cheap answer';
    case 'checks':
      return has(({ cheap }) => cheap.isValid !== undefined || cheap.errorType !== undefined)
        ? undefined
        : 'no row says whether the cheap answer passes checks';
    case 'format':
      return has(({ cheap }) => cheap.isFormatOk !== undefined)
        ? undefined
        : 'no row says whether the cheap answer has its form';
    case 'certified':
      return lackOf('category', rows) === undefined || lackOf('score', rows) === undefined
        ? undefined
        : 'the rows have neither domains nor prompts to score by';
  }
}
