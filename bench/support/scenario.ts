/** What is measured apart: calls that differ in what they cost a proxy. */
export type ScenarioName = 'miss' | 'hit' | 'stream' | 'large-miss' | 'large-hit';

/** One kind of load. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly label: string;
  readonly promptBytes: number;
  readonly isStream: boolean;
  /** How many different prompts there are. Undefined: none comes twice. */
  readonly distinct: number | undefined;
  /** Calls a round and connections that make them; a closed loop. */
  readonly calls: number;
  readonly concurrency: number;
}

/** All scenarios. Concurrency: 16 callers for whole answers, 40 for streams, as in the measurements that chose the server and the client. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'miss',
    label: 'miss, 1 KB',
    promptBytes: 1000,
    isStream: false,
    distinct: undefined,
    calls: 3000,
    concurrency: 16,
  },
  { name: 'hit', label: 'hit, 1 KB', promptBytes: 1000, isStream: false, distinct: 200, calls: 6000, concurrency: 16 },
  {
    name: 'stream',
    label: 'stream, 100 chunks',
    promptBytes: 1000,
    isStream: true,
    distinct: undefined,
    calls: 240,
    concurrency: 40,
  },
  {
    name: 'large-miss',
    label: 'miss, 100 KB',
    promptBytes: 100_000,
    isStream: false,
    distinct: undefined,
    calls: 800,
    concurrency: 16,
  },
  {
    name: 'large-hit',
    label: 'hit, 100 KB',
    promptBytes: 100_000,
    isStream: false,
    distinct: 20,
    calls: 1500,
    concurrency: 16,
  },
];

/** The scenario of a name. */
export function scenarioOf(name: ScenarioName): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new RangeError(`no scenario ${name}`);
  return found;
}

/** Prose with what JSON has to escape. */
const TEXT = 'The quick brown fox jumps over the lazy dog, "quoted" and\nnew lined. Ünïcode is here too. ';

/** How many users the calls come from: each is an account of a budget. */
const USERS = 1000;
const USER_DIGITS = 4;

/** Makes the bodies of a scenario: all alike in length, and different in their user and in the first words of the prompt. */
export function bodyMaker(scenario: Scenario): (index: number) => Buffer {
  const start = `{"model":"gpt-5.4-mini","stream":${scenario.isStream},"user":"user-`;
  const middle = JSON.stringify({
    temperature: 0,
    max_completion_tokens: 512,
    messages: [
      { role: 'system', content: 'Answer in one sentence.' },
      { role: 'user', content: '' },
    ],
  }).slice(1, -4);
  const headBytes = start.length + USER_DIGITS + middle.length + 2;
  const tail = Buffer.from(`${textOf(scenario.promptBytes - headBytes)}"}]}`);
  return (index) => {
    const user = String(index % USERS).padStart(USER_DIGITS, '0');
    return Buffer.concat([Buffer.from(`${start}${user}",${middle}${String(index).padStart(12, '0')} `), tail]);
  };
}

function textOf(sizeBytes: number): string {
  const escaped = JSON.stringify(TEXT).slice(1, -1);
  return escaped.repeat(Math.max(1, Math.round(sizeBytes / Buffer.byteLength(escaped))));
}
