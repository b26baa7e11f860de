import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';

/** Parts that are read once, at the start: what is listened on, what is open, what a running server cannot change. */
const RESTART_PARTS: readonly (readonly [path: string, value: (config: Config) => unknown])[] = [
  ['listen', (config) => config.listen],
  ['storage', (config) => config.storage],
  ['callLog', (config) => config.callLog],
  ['cache.memory', (config) => config.cache.memoryBytes],
  ['cache.disk', (config) => config.cache.diskBytes],
  ['cache.encryption', (config) => config.cache.encryptionKeys],
  ['batch.gather', (config) => config.batch.gatherMs],
  ['batch.retention', (config) => config.batch.retentionMs],
  ['batch.liveCalls', (config) => config.batch.maxLiveCalls],
  ['limits.maxHeaders', (config) => config.limits.maxHeaderBytes],
  ['limits.headersTimeout', (config) => config.limits.headersTimeoutMs],
  ['limits.requestTimeout', (config) => config.limits.requestTimeoutMs],
  ['limits.maxTagValues', (config) => config.limits.maxTagValues],
  ['limits.maxConnections', (config) => config.limits.maxConnections],
];

/** Paths of what differs and takes a restart. @internal */
export function changedRestartParts(before: Config, after: Config): readonly string[] {
  return RESTART_PARTS.flatMap(([path, value]) => (isDeepStrictEqual(value(before), value(after)) ? [] : [path]));
}
