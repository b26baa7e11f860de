/** Longest address that is kept for a call, in characters: what common servers take in a request line. */
const MAX_LENGTH = 2048;

/**
 * What could lead elsewhere when a server reads it in another way: empty segments, parameters of segments (`..;`), encoded slashes and backslashes,
 * and encoded percent signs, semicolons and control characters.
 */
const AMBIGUOUS = /^\/|\/\/|;|%(?:[01].|25|2f|3b|5c|7f)/i;

/**
 * The address that is told of an answer, in its normal form; undefined when it is none, or lies below none of the allowed ones. Compared as addresses and
 * segment by segment, so that neither `https://hooks.example.com.evil.example` nor `/hooks/../admin` passes for what it begins like.
 * @param allowed - addresses of the operator, without query.
 * @internal
 */
export function webhookAddress(text: string, allowed: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.username === '' && url.password === '' && url.hash === '';
  return isPlain && allowed.some((prefix) => liesBelow(url, new URL(prefix))) ? url.href : undefined;
}

function liesBelow({ origin, pathname }: URL, prefix: URL): boolean {
  // Both are http or https: the origin of others is "null".
  if (origin !== prefix.origin || origin === 'null') return false;
  if (pathname === prefix.pathname) return true;
  const folder = prefix.pathname.endsWith('/') ? prefix.pathname : `${prefix.pathname}/`;
  return pathname.startsWith(folder) && !AMBIGUOUS.test(pathname.slice(folder.length));
}
