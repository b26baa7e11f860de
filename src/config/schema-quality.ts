import * as z from 'zod';
import type { Judge } from '../core/guard/quality-policy.ts';
import type { QualityConfig } from './config.ts';
import { answerForm, checksSchema } from './schema-checks.ts';
import { line, oneOf, ratio, section } from './schema-leaves.ts';
import { targetSchema } from './schema-providers.ts';

const plainJudge = oneOf(
  "`exact` takes the strong target's answer for right, `schema` and `tools` ask whether an answer has its schema.",
  ['exact', 'schema', 'tools'],
).transform((word): Judge => {
  return word === 'exact' ? { kind: 'exact', form: 'auto' } : { kind: 'checks', checks: [{ kind: word }] };
});

const statedJudge = section('A judge with its settings: one of these.', {
  exact: answerForm.optional(),
  checks: checksSchema.optional(),
  model: targetSchema.optional().meta({ description: 'A model that compares both answers, in both orders.' }),
  instructions: line('What it is to look at, for `model`.', 4000).optional(),
}).transform(({ exact, checks, model, instructions }, context): Judge => {
  if ([exact, checks, model].filter((stated) => stated !== undefined).length !== 1) {
    context.addIssue({ code: 'custom', message: 'needs one of exact, checks and model' });
  }
  if (instructions !== undefined && model === undefined) {
    context.addIssue({ code: 'custom', path: ['instructions'], message: 'has no effect without model' });
  }
  if (model !== undefined) return { kind: 'model', target: model, instructions };
  if (checks === undefined) return { kind: 'exact', form: exact ?? 'auto' };
  if (checks.some(({ kind }) => kind === 'agree')) {
    context.addIssue({
      code: 'custom',
      path: ['checks'],
      message: 'cannot hold agree: there is no third answer to ask for',
    });
  }
  return { kind: 'checks', checks };
});

/** `routes[].quality`. @internal */
export const qualitySchema: z.ZodType<QualityConfig> = section(
  'What quality the route may lose. The strong target answers until statistics say that a cheaper one keeps to it.',
  {
    maxQualityLoss: ratio(
      'Most mean loss against the last target over all calls of the route: `0.02` is two answers in a hundred.',
    ).refine((loss) => loss > 0 && loss < 1, 'must lie between 0 and 1; write 0.02'),
    confidence: ratio('How sure it must be; above 0.5.').refine(
      (share) => share > 0.5 && share < 1,
      'must lie between 0.5 and 1; write 0.95',
    ),
    judge: z.union([plainJudge, statedJudge]).meta({ description: 'How two answers are compared.' }),
    calibrate: ratio(
      "Share of the strong target's calls that cheaper ones answer too, unseen, while they are not certified; less where conversations are long, so that each gives one sample at most.",
    ),
    sample: ratio(
      "Share of a cheaper target's calls that the strong one answers too, unseen; above 0. As with `calibrate`, less where conversations are long.",
    ).refine((share) => share > 0, 'must be above 0: nobody would see quality fall; write 0.02'),
    log: line(
      'A file to which judged pairs are added, with their prompts, for `farthing routes train`. Left out: none is written.',
      4096,
    ).optional(),
  },
).transform((read) => ({
  maxQualityLoss: read.maxQualityLoss,
  confidenceRatio: read.confidence,
  calibrateRatio: read.calibrate,
  sampleRatio: read.sample,
  judge: read.judge,
  logPath: read.log,
}));
