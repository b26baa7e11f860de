import type { Tags } from '../core/model/caller.ts';

/** What a caller says of a call beside its body. @internal */
export interface CallMarks {
  readonly route: string | undefined;
  readonly cache: 'on' | 'off' | undefined;
  readonly tags: Tags | undefined;
}

/** The headers that say so. @internal */
export function callHeaders({ route, cache, tags = {} }: CallMarks): Record<string, string> {
  const headers: Record<string, string> = {};
  if (route !== undefined) headers['x-farthing-route'] = route;
  if (cache !== undefined) headers['x-farthing-cache'] = cache;
  const pairs = Object.entries(tags).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  if (pairs.length > 0) headers['x-farthing-tags'] = pairs.join(',');
  return headers;
}
