import { createHash } from 'node:crypto';

/** A script and the name under which Redis remembers it. @internal */
export interface RedisScript {
  readonly lua: string;
  readonly sha1: string;
}

/** A script from its parts. @internal */
export function redisScript(...parts: readonly string[]): RedisScript {
  const lua = parts.join('\n');
  return { lua, sha1: createHash('sha1').update(lua).digest('hex') };
}
