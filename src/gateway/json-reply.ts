import type { FastifyReply } from 'fastify';

/** Sends a value as JSON that no cache in between may keep. `bigint` amounts go out as strings, since they may pass 2^53. @internal */
export function jsonReply(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));
  return reply
    .code(status)
    .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    .send(text);
}
