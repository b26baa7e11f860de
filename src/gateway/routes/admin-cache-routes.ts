import type { FastifyInstance } from 'fastify';
import type { CacheKey } from '../../core/model/cache-entry.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CacheSelector } from '../../ports/cache-store.ts';
import { fault, fieldsOf, nameField } from '../admin-input.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

const ACCESS = { config: { access: 'admin', metering: 'none' } } as const;
const CACHE_KEY = /^[0-9a-f]{64}$/;

/** What the cache holds, and deleting from it: one entry, a project's, a tag value's, or everything when that is said. @internal */
export function adminCacheRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/admin/v1/cache', ACCESS, async (_request, reply) =>
    jsonReply(reply, { mode: context.state().config.cache.mode, memory: context.cacheStats() }),
  );

  app.delete<{ Params: { key: string } }>('/admin/v1/cache/:key', ACCESS, async (request, reply) => {
    const { key } = request.params;
    if (!isCacheKey(key)) throw fault('key', 'has 64 hexadecimal digits');
    const isRemoved = await context.cache.remove(key);
    // Also when it was not there: another process may have it in memory.
    await context.announcements?.announce(key);
    if (!isRemoved) throw new FarthingError('not-found', 'there is no such entry');
    return jsonReply(reply, { removed: 1 });
  });

  app.delete('/admin/v1/cache', ACCESS, async (request, reply) => {
    const selector = selectorOf(request.query);
    const removed = await context.cache.removeMatching(selector);
    await context.announcements?.announce(selector);
    context.log.info({ removed }, 'cache entries deleted');
    return jsonReply(reply, { removed });
  });
}

function isCacheKey(text: string): text is CacheKey {
  return CACHE_KEY.test(text);
}

/** An empty selector chooses everything, so it has to be asked for: `?all=true`. */
function selectorOf(query: unknown): CacheSelector {
  const fields = fieldsOf(query, ['project', 'tag', 'all']);
  const project = nameField(fields, 'project');
  const tag = tagOf(fields['tag']);
  if (project === undefined && tag === undefined && fields['all'] !== 'true') {
    throw fault('project', 'or tag=name:value must be given, or all=true to delete everything');
  }
  return { ...(project === undefined ? {} : { project }), ...(tag === undefined ? {} : { tag }) };
}

function tagOf(value: unknown): CacheSelector['tag'] | undefined {
  if (value === undefined) return undefined;
  const colon = typeof value === 'string' ? value.indexOf(':') : -1;
  if (typeof value !== 'string' || colon <= 0 || colon === value.length - 1)
    throw fault('tag', 'is written name:value');
  return { name: value.slice(0, colon), value: value.slice(colon + 1) };
}
