import type { Random } from '../../ports/clock.ts';
import { integerBetween, popularIndex } from '../chance.ts';
import type { JsonObject } from '../json-value.ts';
import { prose } from '../prose.ts';
import { seededRandom } from '../seeded-random.ts';
import type { Scenario, ScenarioCall } from './planned-call.ts';
import { DOCUMENT_COUNT, STREAM_RATIO } from './traffic-parameters.ts';

const SEARCH = 2;
const DOCUMENTS_SEED = 90_001;
/** Jobs that the tool loops work on; the popular ones come again. */
const JOB_COUNT = 400;
/** Vectors are asked for short, so that a demo does not spend its time writing numbers. */
const DIMENSIONS = 64;
const STEP_GAP_MS = 4000;

const LOOKUP_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    table: { enum: ['orders', 'refunds', 'accounts'] },
    number: { type: 'integer', minimum: 1, maximum: 9999 },
  },
  required: ['table', 'number'],
};

/** A program that calls a tool two or three times and then gets its answer, over chat completions or Messages, at temperature 0. @internal */
export function toolLoop(random: Random): Scenario {
  const jobRandom = seededRandom(DOCUMENTS_SEED * 3 + popularIndex(random, JOB_COUNT));
  const task = `Look up what is needed. ${prose(jobRandom, 600)}`;
  const steps = integerBetween(jobRandom, 1, 2);
  const results = Array.from({ length: steps }, () => rowsText(jobRandom));
  const stream = random.fraction() < STREAM_RATIO.programs;
  const isAnthropic = jobRandom.fraction() < 0.4;
  const calls: ScenarioCall[] = Array.from({ length: steps + 1 }, (_, step) => ({
    afterMs: step * STEP_GAP_MS,
    ...(isAnthropic
      ? messagesStep(task, results.slice(0, step), stream)
      : chatStep(task, results.slice(0, step), stream)),
  }));
  return { projectIndex: SEARCH, feature: 'lookup', user: 'job-runner', isSequence: true, calls };
}

/** What a look-up gives: rows as JSON for people to read, as most tools print them. */
function rowsText(random: Random): string {
  const rows = Array.from({ length: integerBetween(random, 3, 12) }, () => ({
    order: integerBetween(random, 1000, 9999),
    status: random.fraction() < 0.7 ? 'paid' : 'open',
    total: integerBetween(random, 100, 99_999) / 100,
    note: prose(random, 40),
  }));
  return JSON.stringify(rows, undefined, 2);
}

function chatStep(task: string, results: readonly string[], stream: boolean): Omit<ScenarioCall, 'afterMs'> {
  const history = results.flatMap((content, index) => {
    const call = {
      id: `call_${index}`,
      type: 'function',
      function: { name: 'look_up', arguments: '{"table":"orders","number":7}' },
    };
    return [
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: call.id, content },
    ];
  });
  const tools = [
    { type: 'function', function: { name: 'look_up', description: 'Reads a row.', parameters: LOOKUP_SCHEMA } },
  ];
  const messages = [{ role: 'user', content: task }, ...history];
  return { endpoint: 'chat', body: { model: 'gpt-5.4-mini', temperature: 0, messages, tools, stream } };
}

function messagesStep(task: string, results: readonly string[], stream: boolean): Omit<ScenarioCall, 'afterMs'> {
  const history = results.flatMap((content, index) => {
    const use = { type: 'tool_use', id: `toolu_${index}`, name: 'look_up', input: { table: 'orders', number: 7 } };
    return [
      { role: 'assistant', content: [use] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content }] },
    ];
  });
  const tools = [{ name: 'look_up', description: 'Reads a row.', input_schema: LOOKUP_SCHEMA }];
  const messages = [{ role: 'user', content: task }, ...history];
  return {
    endpoint: 'messages',
    body: { model: 'claude-haiku-4-5', max_tokens: 1024, temperature: 0, messages, tools, stream },
  };
}

/** A batch of 4 to 16 documents to embed; popular documents are in many batches. @internal */
export function embeddingBatch(random: Random): Scenario {
  const indices = new Set(
    Array.from({ length: integerBetween(random, 4, 16) }, () => popularIndex(random, DOCUMENT_COUNT)),
  );
  const input = [...indices].map((index) => prose(seededRandom(DOCUMENTS_SEED + index), 400));
  const body = { model: 'text-embedding-3-small', input, dimensions: DIMENSIONS };
  const calls: ScenarioCall[] = [{ afterMs: 0, endpoint: 'embeddings', body }];
  return { projectIndex: SEARCH, feature: 'index', user: 'job-runner', isSequence: false, calls };
}
