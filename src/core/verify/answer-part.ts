import type { LiteralValue } from './literal-value.ts';
import { plainNumber } from './plain-number.ts';

/** What fields are called that hold the answer itself, without `_`, `-` and case. Ours. */
const ANSWER_NAMES: ReadonlySet<string> = new Set(
  'answer|finalanswer|result|finalresult|output|label|choice|classification|category|verdict|prediction|solution'.split(
    '|',
  ),
);
/** What fields are called that say how it was found. Ours. */
const REASONING_NAMES: ReadonlySet<string> = new Set(
  'reasoning|reason|reasons|rationale|explanation|thought|thoughts|thinking|analysis|steps|justification|chainofthought|scratchpad|work'.split(
    '|',
  ),
);

/**
 * What counts of an answer in JSON: of an object with a field for the answer, everything but its reasoning, and the answer alone where nothing else is left. Two models
 * never give the same reasons in the same words. A number in quotes there is a number.
 * @internal
 */
export function answerPart(value: LiteralValue): LiteralValue {
  if (value.kind !== 'map') return value;
  const names = [...value.entries.keys()];
  if (!names.some((name) => ANSWER_NAMES.has(bare(name)))) return value;
  const entries = [...value.entries].filter(([name]) => !REASONING_NAMES.has(bare(name)));
  const [only] = entries;
  if (entries.length !== 1 || only === undefined) return { kind: 'map', entries: new Map(entries) };
  return scalarOf(only[1]);
}

function bare(name: string): string {
  return name.length > 32 ? '' : name.replaceAll(/["_\- ]/g, '').toLowerCase();
}

function scalarOf(value: LiteralValue): LiteralValue {
  const digits = value.kind === 'text' ? plainNumber(value.text.trim()) : undefined;
  return digits === undefined ? value : { kind: 'number', digits };
}
