import { hash } from 'node:crypto';
import { cacheKey, type CacheKeyParts, cacheScope } from '../../src/core/cache-key.ts';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Body = Readonly<Record<string, Json>>;

/** A call and how it is changed by the least; by construction it is known whether the answer may be shared. */
interface Change {
  readonly name: string;
  readonly isSame: boolean;
  /** Undefined where the call has nothing of the kind. */
  readonly apply: (parts: CacheKeyParts, below: (bound: number) => number) => CacheKeyParts | undefined;
}

const ALL = Object.keys(ENDPOINTS) as Endpoint[];

/** Texts that an encoding without lengths or types would confuse, and look-alikes. */
const TEXTS = [
  '',
  ' ',
  'a',
  'а',
  'é',
  'e\u0301',
  '1',
  'true',
  'null',
  'N',
  's1:a',
  'a1:s1:a',
  'n1;',
  'o0:',
  '{"a":1}',
  '\u0000',
  '😀',
  'ﬁ',
  'fi',
] as const;
const SCALARS: readonly Json[] = [null, true, false, 0, -0, 1, -1, 0.1, 1e21, 9_007_199_254_740_991, ...TEXTS];
const NAMES = ['a', 'b', 'type', 'text', 'content', 'role', 'name', 'x-1', 'cache_control', 'parameters', '1'] as const;

function valueOf(below: (bound: number) => number, depth: number): Json {
  const kind = below(depth > 2 ? 3 : 5);
  if (kind < 3) return SCALARS[below(SCALARS.length)] ?? null;
  const count = below(4);
  if (kind === 3) return Array.from({ length: count }, () => valueOf(below, depth + 1));
  return Object.fromEntries(
    Array.from({ length: count }, () => [NAMES[below(NAMES.length)] ?? 'a', valueOf(below, depth + 1)]),
  );
}

/** What may stand between two texts in an encoding; as part of a text it must not move the border between them. */
const BORDERS = ['s', 's:', 's1:', 's2:', ',', '","', ';', ':', '\u0000'] as const;

function borderOf(below: (bound: number) => number): Json {
  return [`x${BORDERS[below(BORDERS.length)] ?? ''}y`, 'z'];
}

/** The two texts with the same letters in a row, and the border elsewhere. */
function withMovedBorder(parts: CacheKeyParts): CacheKeyParts | undefined {
  const { border } = parts.body;
  if (!Array.isArray(border)) return undefined;
  const between = String(border[0]).slice(1, -1);
  return withBody(parts, { ...parts.body, border: ['x', `y${between}z`] });
}

const SCHEMA: Json = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] };

function bodyOf(endpoint: Endpoint, serial: number, below: (bound: number) => number): Body {
  const text = `${serial} ${TEXTS[below(TEXTS.length)] ?? ''}`;
  const content: Json =
    below(2) === 0
      ? text
      : [
          { type: 'text', text },
          { type: 'text', text: 'b' },
        ];
  const input: Body =
    endpoint === 'embeddings'
      ? { input: below(2) === 0 ? text : [serial, below(9)] }
      : endpoint === 'responses'
        ? { input: below(2) === 0 ? text : [{ role: 'user', content }], instructions: 'i' }
        : {
            messages: [
              { role: 'user', content },
              { role: 'assistant', content: 'ok' },
            ],
          };
  const settings: Body = below(2) === 0 ? {} : { temperature: below(3), seed: below(3), max_tokens: 1 + below(3) };
  const extra: Body =
    below(3) === 0 ? { unheard_of: valueOf(below, 0), another: { p: 1, q: 2 }, border: borderOf(below) } : {};
  const tools: Body =
    below(3) === 0 ? { tools: [{ type: 'function', name: 'f', parameters: SCHEMA, input_schema: SCHEMA }] } : {};
  return { model: 'gpt-5.4-mini', ...input, ...settings, ...extra, ...tools };
}

function callOf(serial: number, below: (bound: number) => number): CacheKeyParts {
  const endpoint = ALL[below(ALL.length)] ?? 'chat';
  const body = bodyOf(endpoint, serial, below);
  return {
    scope: cacheScope(below(2) === 0 ? 'project' : 'key', TEXTS[1 + below(TEXTS.length - 1)] ?? 'a'),
    endpoint,
    target: { provider: 'openai', model: 'gpt-5.4-mini' },
    providerIdentity: '["https://api.openai.com/v1",{},{}]?',
    policyFingerprint: 'none',
    headers: below(2) === 0 ? {} : { 'anthropic-beta': 'a-1,b-2', 'user-agent': 'x' },
    body,
    rawBody: JSON.stringify(body),
  };
}

function withBody(parts: CacheKeyParts, body: Readonly<Record<string, unknown>>): CacheKeyParts {
  return { ...parts, body, rawBody: JSON.stringify(body) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Changes one value somewhere in a body's fields that count; undefined where `edit` wants none of those it meets. */
function edited(
  parts: CacheKeyParts,
  below: (bound: number) => number,
  edit: (value: unknown) => unknown,
): CacheKeyParts | undefined {
  const skipped = new Set(['model']);
  const walk = (value: unknown): unknown => {
    const own = edit(value);
    if (own !== undefined) return own;
    if (Array.isArray(value))
      return withOne(
        value.length,
        (at) => walk(value[at]),
        (at, made) => value.with(at, made),
      );
    if (!isObject(value)) return undefined;
    const names = Object.keys(value).filter((name) => !skipped.has(name));
    return withOne(
      names.length,
      (at) => walk(value[names[at] ?? '']),
      (at, made) => ({ ...value, [names[at] ?? '']: made }),
    );
  };
  const withOne = (
    count: number,
    of: (at: number) => unknown,
    put: (at: number, made: unknown) => unknown,
  ): unknown => {
    const first = count === 0 ? 0 : below(count);
    for (let step = 0; step < count; step += 1) {
      const at = (first + step) % count;
      const made = of(at);
      if (made !== undefined) return put(at, made);
    }
    return undefined;
  };
  const names = Object.keys(parts.body).filter((name) => !skipped.has(name));
  const body = withOne(
    names.length,
    (at) => walk(parts.body[names[at] ?? '']),
    (at, made) => ({ ...parts.body, [names[at] ?? '']: made }),
  );
  return isObject(body) ? withBody(parts, body) : undefined;
}

const inText =
  (edit: (text: string) => string): Change['apply'] =>
  (parts, below) =>
    edited(parts, below, (value) => (typeof value === 'string' && edit(value) !== value ? edit(value) : undefined));

function reversed(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).toReversed());
}

const LOOK_ALIKES = new Map([
  ['a', 'а'],
  ['o', 'о'],
  ['e', 'е'],
  ['1', '１'],
  [' ', '\u00a0'],
]);

const DIFFERENT: readonly Omit<Change, 'isSame'>[] = [
  { name: 'another project', apply: (parts) => ({ ...parts, scope: cacheScope('project', `${parts.scope}x`) }) },
  {
    name: 'the other kind of scope',
    apply: (parts) => ({
      ...parts,
      scope: cacheScope(
        parts.scope.startsWith('key:') ? 'project' : 'key',
        parts.scope.slice(parts.scope.indexOf(':') + 1),
      ),
    }),
  },
  {
    name: 'another endpoint',
    apply: (parts, below) => ({
      ...parts,
      endpoint: ALL.filter((name) => name !== parts.endpoint)[below(4)] ?? 'chat',
    }),
  },
  { name: 'another provider', apply: (parts) => ({ ...parts, target: { ...parts.target, provider: 'openai2' } }) },
  {
    name: 'a slash elsewhere in the target',
    apply: (parts) => ({ ...parts, target: { provider: 'openai/gpt', model: '-5.4-mini' } }),
  },
  {
    name: 'another address',
    apply: (parts) => ({ ...parts, providerIdentity: parts.providerIdentity.replace('/v1', '/v2') }),
  },
  { name: 'a query', apply: (parts) => ({ ...parts, providerIdentity: `${parts.providerIdentity}beta=true` }) },
  { name: 'another policy', apply: (parts) => ({ ...parts, policyFingerprint: 'none ' }) },
  {
    name: 'one beta more',
    apply: (parts) => ({
      ...parts,
      headers: { ...parts.headers, 'anthropic-beta': `${parts.headers['anthropic-beta'] ?? ''},c-3` },
    }),
  },
  {
    name: 'betas without their comma',
    apply: (parts) =>
      parts.headers['anthropic-beta'] === undefined
        ? undefined
        : { ...parts, headers: { 'anthropic-beta': 'a-1 b-2' } },
  },
  { name: 'a version', apply: (parts) => ({ ...parts, headers: { ...parts.headers, 'anthropic-version': '' } }) },
  { name: 'a border moved between two texts', apply: withMovedBorder },
  { name: 'a blank behind a text', apply: inText((text) => `${text} `) },
  { name: 'a text twice', apply: inText((text) => (text === '' ? text : text + text)) },
  {
    name: 'look-alikes',
    apply: inText((text) => text.replaceAll(/[aoe1 ]/g, (letter) => LOOK_ALIKES.get(letter) ?? letter)),
  },
  {
    name: 'another normal form',
    apply: inText((text) => (text.normalize('NFD') === text ? text.normalize('NFC') : text.normalize('NFD'))),
  },
  {
    name: 'a number as text',
    apply: (parts, below) => edited(parts, below, (value) => (typeof value === 'number' ? String(value) : undefined)),
  },
  {
    name: 'a text as its only item',
    apply: (parts, below) => edited(parts, below, (value) => (typeof value === 'string' ? [value] : undefined)),
  },
  {
    name: 'a number one more',
    apply: (parts, below) =>
      edited(parts, below, (value) => (typeof value === 'number' && Math.abs(value) < 1e9 ? value + 1 : undefined)),
  },
  {
    name: 'an item less',
    apply: (parts, below) =>
      edited(parts, below, (value) => (Array.isArray(value) && value.length > 0 ? value.slice(1) : undefined)),
  },
  {
    name: 'items in another order',
    apply: (parts, below) =>
      edited(parts, below, (value) =>
        Array.isArray(value) && JSON.stringify(value) !== JSON.stringify(value.toReversed())
          ? value.toReversed()
          : undefined,
      ),
  },
  {
    name: 'two items in one',
    apply: (parts, below) =>
      edited(parts, below, (value) =>
        Array.isArray(value) && value.length > 1 ? [value.slice(0, 2), ...value.slice(2)] : undefined,
      ),
  },
  {
    name: 'temperature 0 beside none',
    apply: (parts) => ('temperature' in parts.body ? undefined : withBody(parts, { ...parts.body, temperature: 0 })),
  },
  {
    name: 'null beside none',
    apply: (parts) => ('seed' in parts.body ? undefined : withBody(parts, { ...parts.body, seed: null })),
  },
  { name: 'an unknown field', apply: (parts) => withBody(parts, { ...parts.body, never_heard: 0 }) },
  {
    name: 'the order inside an unknown field',
    apply: (parts) =>
      'another' in parts.body ? withBody(parts, { ...parts.body, another: { q: 2, p: 1 } }) : undefined,
  },
  { name: 'the order inside a schema', apply: (parts) => withSchema(parts, 'parameters') },
  { name: 'the order inside an input schema', apply: (parts) => withSchema(parts, 'input_schema') },
];

const SAME: readonly Omit<Change, 'isSame'>[] = [
  { name: 'the order of fields', apply: (parts) => withBody(parts, reversed(parts.body) as Body) },
  {
    name: 'the order inside a message',
    apply: (parts) =>
      Array.isArray(parts.body['messages'])
        ? withBody(parts, { ...parts.body, messages: parts.body['messages'].map(reversed) })
        : undefined,
  },
  {
    name: 'the name that the body gives the model',
    apply: (parts) => withBody(parts, { ...parts.body, model: 'alias' }),
  },
  { name: 'another spacing', apply: (parts) => ({ ...parts, rawBody: JSON.stringify(parts.body, undefined, 2) }) },
  {
    name: 'the order of betas',
    apply: (parts) =>
      parts.headers['anthropic-beta'] === undefined
        ? undefined
        : { ...parts, headers: { 'anthropic-beta': ' b-2 , a-1,,' } },
  },
  {
    name: 'other headers',
    apply: (parts) => ({ ...parts, headers: { ...parts.headers, 'x-farthing-tags': 'a=b', accept: 'x' } }),
  },
  {
    name: 'who asks',
    apply: (parts) =>
      parts.endpoint === 'messages'
        ? withBody(parts, { ...parts.body, metadata: { user_id: 'u' } })
        : ENDPOINTS[parts.endpoint].protocol === 'openai'
          ? withBody(parts, { ...parts.body, user: 'u' })
          : undefined,
  },
  {
    name: 'a stream',
    apply: (parts) =>
      ENDPOINTS[parts.endpoint].streams ? withBody(parts, { ...parts.body, stream: true }) : undefined,
  },
];

function withSchema(parts: CacheKeyParts, name: 'parameters' | 'input_schema'): CacheKeyParts | undefined {
  const [tool] = Array.isArray(parts.body['tools']) ? (parts.body['tools'] as readonly Body[]) : [];
  if (tool === undefined) return undefined;
  return withBody(parts, { ...parts.body, tools: [{ ...tool, [name]: reversed(SCHEMA) as Json }] });
}

const CHANGES: readonly Change[] = [
  ...DIFFERENT.map(({ name, apply }) => ({ name, apply, isSame: false })),
  ...SAME.map(({ name, apply }) => ({ name, apply, isSame: true })),
];

const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

/** What {@link comparePairs} found. */
export interface PairFindings {
  /** Pairs whose keys are equal although the calls differ, or the other way round; the first few. */
  readonly faults: readonly string[];
  /** How often each change was tried. */
  readonly tried: ReadonlyMap<string, number>;
  /** Keys that two calls have which have nothing to do with each other. */
  readonly collisions: number;
}

/** Compares the keys of so many random calls with those of the same calls changed by the least. The same seed gives the same pairs. */
export function comparePairs(count: number, seed: number): PairFindings {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const faults: string[] = [];
  const tried = new Map<string, number>();
  const keys = new Set<string>();
  let calls = 0;
  while (calls < count) {
    const parts = callOf(calls, below);
    const change = CHANGES[below(CHANGES.length)] as Change;
    // Where parsing lost something the body's bytes count, so that such calls can only miss.
    const changed = change.isSame && 'unheard_of' in parts.body ? undefined : change.apply(parts, below);
    if (changed === undefined) continue;
    const [key, other] = [cacheKey(parts, sha256), cacheKey(changed, sha256)];
    if ((key === other) !== change.isSame && faults.length < 10)
      faults.push(`${change.name}: ${JSON.stringify([parts, changed])}`);
    tried.set(change.name, (tried.get(change.name) ?? 0) + 1);
    keys.add(key.slice(0, 24));
    calls += 1;
  }
  return { faults, tried, collisions: count - keys.size };
}

/** Names of all changes. */
export const CHANGE_NAMES: readonly string[] = CHANGES.map(({ name }) => name);
