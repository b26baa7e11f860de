import type { AnswerCheck, CheckedRequest, CheckVerdict, SchemaValidator } from './answer-check.ts';
import type { AnswerView } from './answer-view.ts';
import { emptyFault } from './empty-check.ts';
import { finishFault } from './finish-check.ts';
import { jsonFault } from './json-check.ts';
import { patternFault } from './pattern-check.ts';
import { refusalFault } from './refusal-check.ts';
import { schemaFault } from './schema-check.ts';
import { toolsFault } from './tools-check.ts';

/** What checks need from outside. @internal */
export interface CheckPorts {
  readonly validate: SchemaValidator;
}

/** What every answer is held to, whatever else it is. */
const ALWAYS: readonly AnswerCheck[] = [{ kind: 'finish' }, { kind: 'refusal' }, { kind: 'empty' }];

/** From cheap to dear; a program's own test may take seconds. */
const RANKS: Readonly<Record<AnswerCheck['kind'], number>> = {
  finish: 0,
  refusal: 1,
  empty: 2,
  json: 3,
  schema: 4,
  tools: 5,
  pattern: 6,
  test: 7,
  agree: 8,
};

/**
 * Holds the answers of a reply to checks: `finish`, `refusal` and `empty` always, then those that are given, the cheap kinds before the dear ones and otherwise in their
 * order. Stops at the first that fails; every answer must pass. `agree` needs a second answer, so whoever can ask for one compares it with `agrees`: here it passes.
 * Never throws: a test that does has failed.
 * @internal
 */
export async function checkAnswer(
  checks: readonly AnswerCheck[],
  answers: readonly AnswerView[],
  request: CheckedRequest,
  ports: CheckPorts,
): Promise<CheckVerdict> {
  if (answers.length === 0) return { kind: 'failed', check: 'empty', reason: 'no-answer' };
  for (const check of [...ALWAYS, ...checks].toSorted((left, right) => RANKS[left.kind] - RANKS[right.kind])) {
    for (const answer of answers) {
      const found = faultOf(check, answer, request, ports);
      // oxlint-disable-next-line no-await-in-loop -- the first check that fails makes the dearer ones needless
      const reason = typeof found === 'string' || found === undefined ? found : await found;
      if (reason !== undefined) return { kind: 'failed', check: check.kind, reason };
    }
  }
  return { kind: 'passed' };
}

type Fault = string | undefined;

function faultOf(
  check: AnswerCheck,
  answer: AnswerView,
  { terms, body }: CheckedRequest,
  { validate }: CheckPorts,
): Fault | Promise<Fault> {
  switch (check.kind) {
    case 'finish':
      return finishFault(answer);
    case 'refusal':
      return refusalFault(answer);
    case 'empty':
      return emptyFault(answer);
    case 'json':
      return check.always || terms.wantsJson ? jsonFault(answer) : undefined;
    case 'schema':
      return schemaFault(answer, terms, validate);
    case 'tools':
      return toolsFault(answer, terms, validate);
    case 'pattern':
      return patternFault(answer, check.pattern, check.flags);
    case 'test':
      return testFault(check, answer, body);
    case 'agree':
      return undefined;
  }
}

async function testFault(
  { test }: Extract<AnswerCheck, { kind: 'test' }>,
  answer: AnswerView,
  body: CheckedRequest['body'],
): Promise<Fault> {
  try {
    return (await test(answer, body)) ? undefined : 'test-failed';
  } catch {
    // A test that cannot tell has not said that the answer will do.
    return 'test-threw';
  }
}
