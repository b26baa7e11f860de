import type { Tags } from '../../core/model/caller.ts';
import { ENDPOINTS, type Endpoint } from '../../core/model/protocol.ts';
import { parseTarget, type Target } from '../../core/model/target.ts';
import { USAGE_BUCKETS, type Usage, usageOf } from '../../core/model/usage.ts';
import { nanoUsd, type NanoUsd } from '../../core/money.ts';
import { CALL_LOG_VERSION } from '../../stores/call-log/call-log-line.ts';
import { endpointOfBody } from '../../wire/prompt/own-request.ts';
import { isObject, type JsonObject } from '../../wire/request-guards.ts';

/** What was answered, as the call log has it. */
interface LoggedAnswer {
  /** Undefined: nothing answered. */
  readonly target: Target | undefined;
  readonly usage: Usage;
  /** Undefined: it has no known price. */
  readonly costNanoUsd: NanoUsd | undefined;
  /** Whether it came out of the cache or another call's attempt: it cost nothing then, wherever it would go. */
  readonly isFree: boolean;
}

/** A call of a log, or one that somebody wrote down. @internal */
export interface RouteLine {
  readonly endpoint: Endpoint;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: Tags;
  readonly project: string;
  /** Undefined: it does not say. */
  readonly atMs: number | undefined;
  /** Of a logged call: it may stand twice. */
  readonly callId: string | undefined;
  /** Undefined for a call that was only written down. */
  readonly answer: LoggedAnswer | undefined;
}

/** What a line is not, in words. @internal */
export interface LineProblem {
  readonly problem: string;
}

/**
 * Reads a line of a call log with bodies, or one of the form `{"endpoint", "headers", "tags", "body"}`, of which only the body must be there.
 * @internal
 */
export function routeLine(text: string): RouteLine | LineProblem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  if (!isObject(value)) return { problem: 'is not a JSON object' };
  if (value['callId'] !== undefined) return loggedLine(value);
  return isObject(value['body']) ? plainLine(value, value['body']) : { problem: 'has no "body" that is an object' };
}

function loggedLine(line: JsonObject): RouteLine | LineProblem {
  if (line['v'] !== CALL_LOG_VERSION) return { problem: `is of version ${String(line['v'])} of the call log` };
  const endpoint = endpointFrom(line['endpoint']);
  if (endpoint === undefined) return { problem: 'names no known endpoint' };
  const bodies = isObject(line['bodies']) ? line['bodies'] : undefined;
  const body = bodies === undefined ? undefined : bytesOf(bodies['request']);
  if (body === undefined) return { problem: 'has no request: the log was written without callLog.bodies' };
  const usage = usageFrom(line['usage']);
  if (usage === undefined) return { problem: 'has no sound usage' };
  const { target, costNanoUsd, cacheStatus, project, atMs, callId } = line;
  return {
    endpoint,
    body,
    headers: {},
    tags: textsOf(line['tags']),
    project: typeof project === 'string' ? project : 'default',
    atMs: typeof atMs === 'number' && Number.isFinite(atMs) ? atMs : undefined,
    callId: String(callId),
    answer: {
      target: typeof target === 'string' ? parseTarget(target) : undefined,
      usage,
      costNanoUsd: Number.isSafeInteger(costNanoUsd) ? nanoUsd(Number(costNanoUsd)) : undefined,
      isFree: cacheStatus === 'hit' || cacheStatus === 'stale' || cacheStatus === 'collapsed',
    },
  };
}

function plainLine(line: JsonObject, body: JsonObject): RouteLine | LineProblem {
  const endpoint = line['endpoint'] === undefined ? (endpointOfBody(body) ?? 'chat') : endpointFrom(line['endpoint']);
  if (endpoint === undefined) return { problem: 'names no known endpoint' };
  const headers = Object.entries(textsOf(line['headers'])).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    endpoint,
    body: new TextEncoder().encode(JSON.stringify(body)),
    headers: Object.fromEntries(headers),
    tags: textsOf(line['tags']),
    project: 'default',
    atMs: undefined,
    callId: undefined,
    answer: undefined,
  };
}

function endpointFrom(value: unknown): Endpoint | undefined {
  return typeof value === 'string' && Object.hasOwn(ENDPOINTS, value) ? (value as Endpoint) : undefined;
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (!isObject(body)) return undefined;
  if (typeof body['text'] === 'string') return new TextEncoder().encode(body['text']);
  return typeof body['base64'] === 'string' ? Buffer.from(body['base64'], 'base64') : undefined;
}

function usageFrom(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const counts = USAGE_BUCKETS.map((bucket) => [bucket, value[bucket] ?? 0] as const);
  const isSound = counts.every(([, count]) => Number.isSafeInteger(count) && Number(count) >= 0);
  return isSound ? usageOf(Object.fromEntries(counts)) : undefined;
}

/** Those of its members that are texts. */
function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
