import type { UpstreamHead } from '../middleware/compose.ts';

/** Headers of a provider's reply that stay here: they speak of its connection, its body's coding, its own site or the operator's account, or lead elsewhere. */
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
  'openai-organization',
  'openai-project',
  'anthropic-organization-id',
]);

/**
 * Beginnings of names that stay here: those that open us to web pages (CORS), our own, and the limits of the account at the provider, by which one project
 * could see how much the others use.
 */
const KEPT_BACK_PREFIXES = ['access-control-', 'x-farthing-', 'x-ratelimit-', 'anthropic-ratelimit-'] as const;

/** The provider's headers that a client gets; an unknown one passes. @internal */
export function passedHeaders(headers: UpstreamHead['headers']): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name in headers) {
    if (KEPT_BACK.has(name) || KEPT_BACK_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    const value = headers[name];
    if (value !== undefined) passed[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return passed;
}
