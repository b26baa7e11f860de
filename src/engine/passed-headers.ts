import type { UpstreamHead } from '../middleware/compose.ts';

/** Headers of a provider's reply that stay here: they speak of its connection, its body's coding or its own site, or send the client elsewhere. */
const KEPT_BACK: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'content-encoding',
  'set-cookie',
  'date',
  'server',
  'location',
  'refresh',
  'alt-svc',
  'strict-transport-security',
  'vary',
  'via',
  'cache-status',
  'age',
]);

/** The provider's headers that a client gets; an unknown one passes, but never one that opens us to web pages (CORS). @internal */
export function passedHeaders(headers: UpstreamHead['headers']): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name in headers) {
    if (KEPT_BACK.has(name) || name.startsWith('access-control-') || name.startsWith('x-farthing-')) continue;
    const value = headers[name];
    if (value !== undefined) passed[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return passed;
}
