import * as z from 'zod';
import type { AnswerCheck, AnswerForm } from '../core/verify/answer-check.ts';
import { leaf, oneOf, section } from './schema-leaves.ts';
import { targetSchema } from './schema-providers.ts';

const FORMS: readonly AnswerForm[] = ['auto', 'text', 'number', 'choice', 'json'];

/** How answers are made comparable. @internal */
export const answerForm: z.ZodType<AnswerForm, string> = oneOf<AnswerForm>(
  'What of two answers is compared: `auto` finds the final answer itself, `number`, `choice` and `json` look for one of that kind, `text` takes all words.',
  FORMS,
);

const plainCheck = oneOf(
  '`finish` not cut or filtered, `refusal` none, `empty` not; `json` it is JSON; `schema` it has the schema of the request; `tools` tool calls have the schemas of their tools; `agree` a second sample says the same. The first three always hold.',
  ['finish', 'refusal', 'empty', 'json', 'schema', 'tools', 'agree'],
).transform((word): AnswerCheck => {
  if (word === 'json') return { kind: 'json', always: true };
  return word === 'agree' ? { kind: 'agree', target: undefined, form: 'auto' } : { kind: word };
});

const pattern = leaf(readPattern, 'is not a regular expression', {
  description: 'A regular expression (flags `u` and `s`) that the text must match.',
  unit: 'regular expression',
  json: { type: 'string' },
});

const statedCheck = section('A check with its settings: one of these.', {
  pattern: pattern.optional(),
  agree: section('A second answer must say the same.', {
    with: targetSchema
      .optional()
      .meta({ description: 'Who is asked. Left out: the same target again, at temperature 1.' }),
    form: answerForm.optional(),
  }).optional(),
}).transform(({ pattern: written, agree }, context): AnswerCheck => {
  if ((written === undefined) === (agree === undefined)) {
    context.addIssue({ code: 'custom', message: 'needs one of pattern and agree' });
  }
  if (written !== undefined) return { kind: 'pattern', pattern: written };
  return { kind: 'agree', target: agree?.with, form: agree?.form ?? 'auto' };
});

/** Checks of an answer, in order. @internal */
export const checksSchema: z.ZodType<readonly AnswerCheck[]> = z
  .array(z.union([plainCheck, statedCheck]))
  .min(1, 'needs at least one check')
  .meta({ description: 'What an answer must pass, in order.' });

/** Patterns run on every answer: what cannot be read fails at start and not then. */
function readPattern(text: string): string | undefined {
  try {
    return text === '' ? undefined : new RegExp(text, 'us').source;
  } catch {
    return undefined; // SyntaxError is how RegExp says that the text is none.
  }
}
