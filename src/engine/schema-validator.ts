import { validate } from '@cfworker/json-schema';
import type { SchemaValidator } from '../core/verify/answer-check.ts';
import { schemaReasons } from './schema-validator-reasons.ts';
import { type VettedSchema, vettedSchema } from './schema-validator-schema.ts';
import { valueExtent } from './schema-validator-value.ts';
import { SchemaWork } from './schema-validator-work.ts';

/**
 * Steps of one validation, of about 1 µs each. Ours: an answer of 500 KB that lists 16,000 objects of two fields takes that many; the worst of ten hostile schemas took
 * 55 ms of CPU before it was given up.
 */
const MAX_STEPS = 50_000;

/** What was made of a schema; `false` where it cannot be used. A body is parsed once and checked up to three times. */
const known = new WeakMap<object, VettedSchema | false>();

/**
 * Holds a value against a JSON Schema (draft 4 to 2020-12, as far as tools and answers of models use it), for `checkAnswer`. The schema is the caller's and the value a
 * model's, so neither is trusted: no code is made of a schema, no regular expression of it is run (`pattern`, `patternProperties` and `format` say nothing here), no
 * `$ref` leaves it, and the work is bounded. Never throws.
 * @returns reason codes, none of them with a name or a value of the caller; undefined where the schema cannot be used, or took too much work.
 * @internal
 */
export const validateBySchema: SchemaValidator = (schema, value) => validated(schema, value, MAX_STEPS).reasons;

/** What is wrong where several validations together took more work than one may. */
const TOO_MUCH_WORK: readonly string[] = ['too-much-work'];

/**
 * The same for all answers of one reply: together they may take the work of one validation. A call may ask for more than a hundred answers, or be answered with as many
 * tool calls, and others would wait for all of them.
 * @internal
 */
export function replyValidator(): SchemaValidator {
  let stepsLeft = MAX_STEPS;
  return (schema, value) => {
    if (stepsLeft <= 0) return TOO_MUCH_WORK;
    const { reasons, usedSteps } = validated(schema, value, stepsLeft);
    const isFirst = stepsLeft === MAX_STEPS;
    stepsLeft -= usedSteps;
    return stepsLeft <= 0 && !isFirst ? TOO_MUCH_WORK : reasons;
  };
}

interface Validated {
  readonly reasons: ReturnType<SchemaValidator>;
  readonly usedSteps: number;
}

const UNUSABLE: Validated = { reasons: undefined, usedSteps: 0 };

function validated(schema: unknown, value: unknown, steps: number): Validated {
  const vetted = vettedOf(schema);
  const extent = vetted === undefined ? undefined : valueExtent(value);
  if (vetted === undefined || extent === undefined) return UNUSABLE;
  const { work, root, references } = vetted;
  const reasons = reasonsOf(() => work.within(steps, extent, () => validate(value, root, '2020-12', references, true)));
  return { reasons, usedSteps: steps - work.stepsLeft };
}

function reasonsOf(run: () => ReturnType<typeof validate>): readonly string[] | undefined {
  try {
    const result = run();
    return result.valid ? [] : schemaReasons(result.errors);
  } catch {
    // Too many steps, or a schema that refers to itself without going on in the value: nothing can be said.
    return undefined;
  }
}

function vettedOf(schema: unknown): VettedSchema | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const found = known.get(schema);
  if (found !== undefined) return found === false ? undefined : found;
  const vetted = vettedSchema(schema, new SchemaWork());
  known.set(schema, vetted ?? false);
  return vetted;
}
