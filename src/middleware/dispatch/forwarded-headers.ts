/** Headers of a client that matter to a provider. All others stay here: credentials, cookies, hop-by-hop and our own. */
const FORWARDED = [
  'accept',
  'user-agent',
  'anthropic-version',
  'anthropic-beta',
  'openai-beta',
  'idempotency-key',
  'x-stainless-lang',
  'x-stainless-package-version',
] as const;

/** The headers that go to the provider with a JSON body; replies are asked for uncompressed so that they can be read on the way. @internal */
export function forwardedHeaders(
  headers: Readonly<Record<string, string | undefined>>,
  credentials: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const forwarded: Record<string, string> = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
  for (const name of FORWARDED) {
    const value = headers[name];
    if (value !== undefined) forwarded[name] = value;
  }
  return credentials === undefined ? forwarded : Object.assign(forwarded, credentials);
}
