/** Longest address that is kept for a call, in characters: what common servers take in a request line. */
const MAX_LENGTH = 2048;

/** Encoded slashes and backslashes, which some servers take for slashes and others do not. */
const HIDDEN_SLASH = /%(?:2f|5c)/i;

/**
 * The address that is told of an answer, in its normal form; undefined when it is none, or lies below none of the allowed ones. Compared as addresses and
 * segment by segment, so that neither `https://hooks.example.com.evil.example` nor `/hooks/../admin` passes for what it begins like.
 * @param allowed - addresses of the operator, without query.
 * @internal
 */
export function webhookAddress(text: string, allowed: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.username === '' && url.password === '' && url.hash === '' && !HIDDEN_SLASH.test(url.pathname);
  return isPlain && allowed.some((prefix) => liesBelow(url, new URL(prefix))) ? url.href : undefined;
}

function liesBelow({ origin, pathname }: URL, prefix: URL): boolean {
  // Both are http or https: the origin of others is "null".
  if (origin !== prefix.origin || origin === 'null') return false;
  const folder = prefix.pathname.endsWith('/') ? prefix.pathname : `${prefix.pathname}/`;
  return pathname === prefix.pathname || pathname.startsWith(folder);
}
