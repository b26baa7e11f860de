import type { ModelOutcome, OutcomeRow } from './outcome-row.ts';

/** Why a row is left out though nothing is wrong with it. @public */
export type DropReason = 'contaminated' | 'no-prompt';

/** What was read from one value of a table. The reason of a fault never holds what stands in the row. @public */
export type RowReading =
  | { readonly kind: 'row'; readonly row: OutcomeRow }
  | { readonly kind: 'dropped'; readonly reason: DropReason }
  | { readonly kind: 'fault'; readonly reason: string };

type JsonObject = Readonly<Record<string, unknown>>;

const NOTHING: Omit<ModelOutcome, 'quality'> = {
  answer: undefined,
  isValid: undefined,
  isFormatOk: undefined,
  inputTokens: undefined,
  outputTokens: undefined,
  latencySeconds: undefined,
  errorType: undefined,
  costUsd: undefined,
  assumedCostUsd: undefined,
};

/** What RouteLLM's cost analysis takes for its pair (arXiv 2406.18665): 0.24 and 24.7 dollars per million tokens; here for a call of 1,000 tokens. */
const ROUTELLM_COST_USD = { weak: 0.00024, strong: 0.0247 } as const;
/** ZeroEval states characters of the answer only. Four characters a token, and its instructions around each prompt, as the facts of routing have it. */
const CHARACTERS_PER_TOKEN = 4;
const ZEROEVAL_INSTRUCTION_TOKENS = 90;

/** Carries a reason out of the depth of a row; never leaves this file. */
class RowFault extends Error {}

/**
 * Reads one row of a table of outcomes. See `docs/replay.md` for the shapes.
 * @public
 */
export function readOutcomeRow(value: unknown): RowReading {
  try {
    return readRow(value);
  } catch (error) {
    if (error instanceof RowFault) return { kind: 'fault', reason: error.message };
    throw error;
  }
}

function readRow(value: unknown): RowReading {
  if (!isObject(value)) throw new RowFault('is not a JSON object');
  const { contaminated, prompt, models } = value;
  if (contaminated === true || contaminated === 1) return { kind: 'dropped', reason: 'contaminated' };
  if (prompt === null) return { kind: 'dropped', reason: 'no-prompt' };
  const text = promptText(value);
  const row: OutcomeRow = {
    id: optionalText(value, 'id'),
    prompt: text,
    domain: optionalText(value, 'domain') ?? optionalText(value, 'category'),
    models: models === undefined ? weakAndStrong(value) : outcomesOf(models, text),
  };
  return { kind: 'row', row };
}

/** The prompt, and behind it the names of the functions that go with it: they are part of what the model is asked. */
function promptText(value: JsonObject): string | undefined {
  const { prompt, function: functions } = value;
  if (prompt === undefined) return undefined;
  const text = typeof prompt === 'string' ? prompt : jsonText(prompt);
  if (!Array.isArray(functions)) return text;
  return `${text}\n${functions.filter((name) => typeof name === 'string').join(' ')}`;
}

function weakAndStrong(value: JsonObject): OutcomeRow['models'] {
  if (value['weak'] === undefined || value['strong'] === undefined)
    throw new RowFault('has neither "models" nor "weak" and "strong"');
  const outcome = (name: 'weak' | 'strong'): [string, ModelOutcome] => [
    name,
    { ...NOTHING, quality: ratioOf(value[name], name), assumedCostUsd: ROUTELLM_COST_USD[name] },
  ];
  return new Map([outcome('weak'), outcome('strong')]);
}

function outcomesOf(models: unknown, prompt: string | undefined): OutcomeRow['models'] {
  if (!isObject(models)) throw new RowFault('"models" is not an object');
  const outcomes = new Map<string, ModelOutcome>();
  for (const [name, outcome] of Object.entries(models)) outcomes.set(name, readOutcome(outcome, prompt));
  if (outcomes.size === 0) throw new RowFault('"models" is empty');
  return outcomes;
}

function readOutcome(outcome: unknown, prompt: string | undefined): ModelOutcome {
  if (Array.isArray(outcome)) return readList(outcome, prompt);
  if (!isObject(outcome)) throw new RowFault('an outcome is neither an object nor a list');
  return {
    quality: ratioOf(outcome['quality'], 'quality'),
    answer: answerOf(outcome['answer']),
    isValid: optionalFlag(outcome, 'valid'),
    isFormatOk: optionalFlag(outcome, 'formatOk'),
    inputTokens: optionalAmount(outcome, 'inputTokens'),
    outputTokens: optionalAmount(outcome, 'outputTokens'),
    latencySeconds: optionalAmount(outcome, 'latencySeconds'),
    errorType: optionalText(outcome, 'errorType'),
    costUsd: optionalAmount(outcome, 'costUsd'),
    assumedCostUsd: undefined,
  };
}

/** `[quality]`, ZeroEval's `[correct, answer, strict JSON, characters]` or BFCL's `[valid, input tokens, output tokens, seconds, error type]`. */
function readList(list: readonly unknown[], prompt: string | undefined): ModelOutcome {
  const [quality, second, third, fourth, fifth] = list;
  const known = { ...NOTHING, quality: ratioOf(quality, 'quality') };
  if (list.length === 1) return known;
  if (list.length === 4 && (typeof second === 'string' || second === null)) {
    return {
      ...known,
      answer: second,
      isFormatOk: third === 1 || third === true,
      inputTokens:
        prompt === undefined ? undefined : prompt.length / CHARACTERS_PER_TOKEN + ZEROEVAL_INSTRUCTION_TOKENS,
      outputTokens: amountOf(fourth, 'the number of characters') / CHARACTERS_PER_TOKEN,
    };
  }
  if (list.length === 5 && typeof fifth === 'string') {
    return {
      ...known,
      inputTokens: amountOf(second, 'the number of input tokens'),
      outputTokens: amountOf(third, 'the number of output tokens'),
      latencySeconds: amountOf(fourth, 'the latency'),
      errorType: fifth === '' ? undefined : fifth,
    };
  }
  throw new RowFault('an outcome is a list of no known shape');
}

/** Answers may be written as any JSON value: `42` says what `"42"` says. */
function answerOf(answer: unknown): string | null | undefined {
  if (answer === undefined || answer === null || typeof answer === 'string') return answer;
  return jsonText(answer);
}

/** Writing JSON goes as deep as the value, reading it does not. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    throw new RowFault('is nested too deep');
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ratioOf(value: unknown, name: string): number {
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number === 'number' && number >= 0 && number <= 1) return number;
  throw new RowFault(`${name} is not a number from 0 to 1`);
}

function amountOf(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new RowFault(`${name} is not a number from 0 up`);
}

function optionalAmount(value: JsonObject, name: string): number | undefined {
  return isLeftOut(value[name]) ? undefined : amountOf(value[name], name);
}

function optionalFlag(value: JsonObject, name: string): boolean | undefined {
  const flag = value[name];
  if (isLeftOut(flag)) return undefined;
  if (typeof flag === 'boolean') return flag;
  throw new RowFault(`${name} is not true or false`);
}

function optionalText(value: JsonObject, name: string): string | undefined {
  const text = value[name];
  if (isLeftOut(text)) return undefined;
  if (typeof text === 'string') return text;
  if (typeof text === 'number') return String(text);
  throw new RowFault(`${name} is not a text`);
}

function isLeftOut(value: unknown): boolean {
  return value === undefined || value === null;
}
