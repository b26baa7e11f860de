import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { FarthingError } from '../core/errors.ts';

/** What decides whether a request may be looked at. @internal */
export interface RequestGuardOptions {
  /** The host listened on. A wildcard (`0.0.0.0`, `::`) lets every IP address through: rebinding needs a name. */
  readonly listenHost: string;
  /** Further host names, lower case, without port. */
  readonly allowedHosts: readonly string[];
}

/** Looks at a request before anything else does; undefined lets it pass. @internal */
export type RequestGuard = (
  request: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'url' | 'method'>,
) => FarthingError | undefined;

/** Longest request target, in characters. The longest of ours has about 100; proxies commonly stop at 8,192. */
const MAX_URL_LENGTH = 4096;

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '::1'];

/** Whether an address reaches this machine only. @internal */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Keeps web pages away from the gateway: a foreign `Host` (DNS rebinding), a foreign `Origin` and a browser's cross-site request
 * are refused before authentication, since on loopback a page needs no key to be harmful.
 * @internal
 */
export function requestGuard(options: RequestGuardOptions): RequestGuard {
  const hosts = new Set([...LOOPBACK_HOSTS, options.listenHost.toLowerCase(), ...options.allowedHosts]);
  const allowAddresses = options.listenHost === '0.0.0.0' || options.listenHost === '::';
  const isAllowed = (host: string): boolean => {
    const name = hostName(host);
    return hosts.has(name) || isLoopbackHost(name) || (allowAddresses && isIP(name) !== 0);
  };
  return (request) => {
    const { headers, url = '' } = request;
    const host = headers.host;
    if (url.length > MAX_URL_LENGTH)
      return new FarthingError('invalid-request', 'the address is too long', { status: 414 });
    // Absolute request targets (`GET http://host/`) are for proxies; we are none.
    if (url.charCodeAt(0) !== 47) return new FarthingError('invalid-request', 'the request target must be a path');
    if (host === undefined || !hasOneHost(request.rawHeaders)) {
      return new FarthingError('invalid-request', 'a request names exactly one Host');
    }
    if (!isAllowed(host)) {
      return new FarthingError(
        'forbidden',
        'this Host is not served here: add it to allowedHosts in the configuration',
      );
    }
    return pageFault(request, host);
  };
}

function pageFault(request: Parameters<RequestGuard>[0], host: string): FarthingError | undefined {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (request.method === 'OPTIONS' || request.method === 'TRACE' || request.method === 'CONNECT') {
    return new FarthingError('invalid-request', `${request.method} is not answered here`, { status: 405 });
  }
  const isForeignOrigin = origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
  const isForeignSite = site !== undefined && site !== 'none' && site !== 'same-origin';
  if (!isForeignOrigin && !isForeignSite) return undefined;
  return new FarthingError('forbidden', 'requests from web pages are not answered: call the gateway from a server');
}

/** Host name of a `Host` header: lower case, without port and brackets. */
function hostName(host: string): string {
  const colon = host.lastIndexOf(':');
  const bare = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
  return (bare.startsWith('[') ? bare.slice(1, -1) : bare).toLowerCase();
}

/** Node keeps the first of several `Host` headers; a proxy in front may have looked at the last. */
function hasOneHost(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count === 1;
}
