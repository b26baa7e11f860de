import { request as httpRequest } from 'node:http';
import { type Endpoint, ENDPOINTS } from '../../src/core/model/protocol.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import type { HttpRoute } from '../../src/gateway/http-route.ts';
import { mutatedBody, mutatedText } from './mutated-bodies.ts';

/** Where the requests go, and with which keys. */
export interface MalformedTarget {
  readonly url: string;
  readonly routes: readonly HttpRoute[];
  readonly callerKey: string;
  readonly adminKey: string;
}

/** What came of them. */
export interface MalformedFindings {
  /** Answers of 500 and above, and requests that got none; the first few. */
  readonly faults: readonly string[];
  /** Answers by route and by status. */
  readonly routes: ReadonlyMap<string, number>;
  readonly statuses: ReadonlyMap<number, number>;
}

/** How long one answer may take, in milliseconds: what does not answer hangs. */
const HANG_MS = 20_000;
const PARALLEL = 8;

/** Bodies that the admin API takes, by what the route's path holds. */
const ADMIN_BODIES: readonly (readonly [part: string, body: object])[] = [
  ['/keys/:id/rotate', { graceMs: 5 }],
  ['/keys/:id', { limits: { maxConcurrent: 3, requestsPerMinute: 9 } }],
  [
    '/keys',
    {
      name: 'n',
      project: 'p',
      expiresAt: '2030-01-01',
      allowedModels: ['m'],
      pinnedTags: { a: 'b' },
      requiredTags: ['c'],
    },
  ],
  ['/budgets/:name/reset', { value: 'v' }],
  ['/budgets/:name', { scope: 'tag:user', limitUsd: '5', window: { rolling: '24h' }, alertAt: [0.5], mode: 'soft' }],
  ['/ids', { id: 'file-1', kind: 'file', project: 'p' }],
];

const QUERIES = [
  '',
  '?',
  '?limit=1',
  '?limit=x&limit=2',
  '?from=2026-01-01&until=zzz',
  '?by=tag:a',
  '?all=true',
  '?tag=a:b',
  '?%00',
  '?a[]=1&__proto__=2',
  `?${'a'.repeat(3000)}`,
] as const;
const PARAMETERS = [
  'x',
  'call_1',
  'key_0123456789abcdef',
  'day',
  '%00',
  '%E0%A4%A',
  '..',
  '%2e%2e%2f',
  '__proto__',
  'é',
  'a'.repeat(300),
  '"',
  "'; drop table keys; --",
  '1e999',
] as const;
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json',
  'text/plain',
  'application/jsonx',
  '',
] as const;
const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];

interface MalformedRequest {
  readonly route: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

/** Sends so many malformed requests over all routes, methods and bodies. The same seed sends the same. */
export async function sendMalformed(target: MalformedTarget, count: number, seed: number): Promise<MalformedFindings> {
  const faults: string[] = [];
  const routes = new Map<string, number>();
  const statuses = new Map<number, number>();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const made = malformedRequest(target, seed + number);
      const status = await statusOf(target.url, made); // oxlint-disable-line no-await-in-loop -- so many at a time
      if ((typeof status === 'string' || status >= 500) && faults.length < 20)
        faults.push(`${seed + number}: ${made.method} ${made.path} ${status}`);
      routes.set(made.route, (routes.get(made.route) ?? 0) + 1);
      if (typeof status === 'number') statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { faults, routes, statuses };
}

function malformedRequest({ routes, callerKey, adminKey }: MalformedTarget, seed: number): MalformedRequest {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const one = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  const route = one(routes);
  const method = below(20) === 0 ? one(METHODS) : route.method;
  const wild = below(2) === 0 ? 'audio/speech' : one(PARAMETERS);
  const path = route.path
    .replace('*', wild)
    .replaceAll(/:\w+/g, () => one(PARAMETERS).replaceAll(/["' ;]/g, encodeURIComponent));
  const key = route.access === 'admin' ? adminKey : callerKey;
  const headers: Record<string, string> = { authorization: `Bearer ${below(20) === 0 ? 'x' : key}` };
  const type = one(TYPES);
  if (type !== '') headers['content-type'] = type;
  if (below(10) === 0)
    headers['x-farthing-tags'] = one(['a=b', 'a', '=,=', 'A=b', `a=${'b'.repeat(200)}`, '%', 'a=%zz']);
  if (below(10) === 0)
    headers['cache-control'] = one(['no-store', 'max-age=x', 'max-age=99999999999999999999', ',,,', 'no-cache="a']);
  const hasBody = method !== 'GET' && method !== 'HEAD' && below(20) > 0;
  return {
    route: `${route.method} ${route.path}`,
    method,
    path: encodeURI(path).replaceAll('%25', '%') + one(QUERIES),
    headers,
    body: hasBody ? bodyFor(route, seed) : undefined,
  };
}

function bodyFor({ path }: HttpRoute, seed: number): Uint8Array {
  const endpoints = Object.keys(ENDPOINTS) as Endpoint[];
  const endpoint = endpoints.find((name) => ENDPOINTS[name].clientPath === path);
  if (endpoint !== undefined) return mutatedBody(endpoint, seed);
  const [, body] = ADMIN_BODIES.find(([part]) => path.endsWith(part)) ?? ['', undefined];
  return body === undefined
    ? mutatedBody(endpoints[seed % endpoints.length] ?? 'chat', seed)
    : mutatedText(JSON.stringify(body), seed);
}

/** The status of the answer, once it has come to its end; or why there is none. */
function statusOf(url: string, { method, path, headers, body }: MalformedRequest): Promise<number | string> {
  return new Promise((resolve) => {
    const length: Record<string, string> = body === undefined ? {} : { 'content-length': String(body.byteLength) };
    const request = httpRequest(
      new URL(url),
      { method, path, headers: { ...headers, ...length }, timeout: HANG_MS },
      (response) => {
        response.on('error', (error) => resolve(error.message));
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.resume();
      },
    );
    request.on('timeout', () => request.destroy(new Error('hangs')));
    request.on('error', (error) => resolve(error.message));
    request.end(body);
  });
}
