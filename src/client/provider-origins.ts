import { FarthingError } from '../core/errors.ts';
import { type Endpoint, ENDPOINTS } from '../core/model/protocol.ts';
import type { Protocol } from '../core/model/protocol.ts';
import { withoutTrailing } from '../core/without-trailing.ts';

/** A provider of the library. @public */
export interface LibraryProvider {
  readonly protocol: Protocol;
  /** OpenAI-shaped bases end in `/v1`, Anthropic-shaped ones do not. */
  readonly baseUrl: string;
  /** @defaultValue the caller's own authorization passes through */
  readonly apiKey?: string;
  /**
   * Whose prices and catalogue hold: `openai`, `anthropic`, `google`, `deepseek`, `mistral`, `groq`, `x-ai`.
   * @defaultValue the provider's name where it is one of these, else only `prices` hold
   */
  readonly vendor?: string;
}

/** The providers that need no configuration. @public */
export const BUILT_IN_PROVIDERS: Readonly<Record<string, LibraryProvider>> = {
  openai: { protocol: 'openai', baseUrl: 'https://api.openai.com/v1' },
  anthropic: { protocol: 'anthropic', baseUrl: 'https://api.anthropic.com' },
};

/** What an address means. `unmetered`: a known provider, but no endpoint that has a price. @internal */
export type Address =
  | { readonly kind: 'metered'; readonly provider: string; readonly endpoint: Endpoint }
  | { readonly kind: 'unmetered'; readonly provider: string; readonly path: string };

/**
 * Finds the provider and the endpoint of an address.
 * @throws FarthingError `configuration` when the address is not below a configured provider's base.
 * @internal
 */
export function resolveAddress(
  url: URL,
  method: string,
  providers: Readonly<Record<string, LibraryProvider>>,
): Address {
  const below = Object.entries(providers).flatMap(([name, provider]) => {
    const base = new URL(provider.baseUrl);
    const prefix = withoutTrailing(base.pathname, '/');
    if (base.origin !== url.origin || !url.pathname.startsWith(`${prefix}/`)) return [];
    const path = url.pathname.slice(prefix.length);
    return [{ provider: name, path, endpoint: method === 'POST' ? endpointAt(path, provider.protocol) : undefined }];
  });
  const known = below.find(({ endpoint }) => endpoint !== undefined) ?? below[0];
  if (known === undefined) {
    throw new FarthingError('configuration', `${url.origin} is not a configured provider; add it to \`providers\``);
  }
  const { provider, path, endpoint } = known;
  return endpoint === undefined ? { kind: 'unmetered', provider, path } : { kind: 'metered', provider, endpoint };
}

function endpointAt(path: string, protocol: Protocol): Endpoint | undefined {
  const endpoints = Object.keys(ENDPOINTS) as Endpoint[];
  return endpoints.find((name) => ENDPOINTS[name].protocol === protocol && ENDPOINTS[name].providerPath === path);
}
