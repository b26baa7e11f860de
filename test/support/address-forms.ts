/** One way to name an address in a request. */
export type AddressForm =
  | { readonly kind: 'member'; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: 'header'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'query'; readonly query: string }
  | { readonly kind: 'model'; readonly model: string }
  /** Behind the path of a route. */
  | { readonly kind: 'suffix'; readonly suffix: string };

/** Members by which gateways and libraries take an address. */
const MEMBERS = words(`
  base_url baseURL baseUrl api_base apiBase api_base_url openai_api_base azure_endpoint endpoint endpoint_url api_endpoint
  host hostname url uri target target_url upstream proxy http_proxy https_proxy custom_host customHost server origin redirect
  callback_url webhook webhook_url provider_url gateway socket socket_path
`);

/** Headers by which gateways, proxies and servers take an address or another path. */
const HEADERS = words(`
  x-portkey-custom-host x-portkey-base-url helicone-target-url helicone-openai-api-base x-litellm-api-base x-api-base
  x-base-url x-target-url x-upstream x-upstream-host x-host cf-aig-custom-url x-proxy-url x-proxy-host proxy x-forwarded-host
  x-forwarded-server x-original-host x-original-url x-rewrite-url x-envoy-original-dst-host x-http-host-override destination
  location content-location refresh x-accel-redirect x-sendfile x-endpoint
`);

/** Names of this machine, as somebody writes them who wants to get past a check. */
const HOSTS = words(`
  127.0.0.1 localhost localhost. [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:0:0:1] 2130706433 0x7f000001 0x7f.0x0.0x0.0x1
  017700000001 0177.0.0.1 127.1 127.0.1 0 0.0.0.0 ①②⑦.⓪.⓪.① 127。0。0。1 127․0․0․1 %31%32%37.0.0.1 api.openai.com@127.0.0.1
`);

/** Addresses of `THERE`, and what turns one into another half way. */
const SPELLINGS = words(String.raw`
  https://THERE //THERE/v1 \\THERE\v1 http:\\THERE\v1 http:/THERE THERE/v1 http://user:secret@THERE/v1 HTTP://THERE ws://THERE
  http://THERE/v1#@api.openai.com http://THERE%2f@api.openai.com @THERE @THERE/x x@THERE ../../../THERE ..%2f..%2fTHERE
  %2e%2e/THERE /../../../THERE ..\..\THERE #@THERE ?@THERE ;@THERE unix:/tmp/THERE.sock file://THERE/etc/passwd
  gopher://THERE/_x data:,THERE
`);

const SUFFIXES = words(String.raw`
  /@THERE @THERE /../../../../THERE /..%2f..%2fTHERE /%2e%2e/%2e%2e/THERE //THERE/v1 /http://THERE/v1 /http:/THERE/v1
  /%68ttp%3a%2f%2fTHERE \\THERE /..;/..;/THERE /..%3b/..%3b/THERE /;@THERE /%0d%0aHost:%20THERE /%00@THERE #@THERE /%252e%252e/THERE
`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function spellingsOf(port: number): readonly string[] {
  const there = `127.0.0.1:${port}`;
  return [
    ...HOSTS.map((host) => `http://${host}:${port}/v1`),
    ...SPELLINGS.map((spelling) => spelling.replace('THERE', there)),
    `ht\ttp://${there}`,
    ` http://${there}`,
    `http://${there}\r\nHost: ${there}`,
    `x HTTP/1.1\r\nHost: ${there}`,
  ];
}

/** Every form, for a server at `port` of this machine that must not be called. */
export function addressForms(port: number): readonly AddressForm[] {
  const address = `http://127.0.0.1:${port}/v1`;
  const spellings = spellingsOf(port);
  const headers = fours(HEADERS).map((names) => Object.fromEntries(names.map((name) => [name, address])));
  const queries = fours(MEMBERS).map((names) =>
    names.map((name) => `${name}=${encodeURIComponent(address)}`).join('&'),
  );
  return [
    ...MEMBERS.map((name) => memberForm({ [name]: address })),
    memberForm({ base_url: spellings, api_base: spellings.join(' ') }),
    ...nestedMembers(address, port).map(memberForm),
    ...spellings
      .flatMap((spelling) => [spelling, `openai/${spelling}`])
      .map((model) => ({ kind: 'model' as const, model })),
    ...[...headers, ...headerForms(address, port)].map((some) => ({ kind: 'header' as const, headers: some })),
    ...[...queries, address, `@127.0.0.1:${port}`, `x#@127.0.0.1:${port}`].map((query) => ({
      kind: 'query' as const,
      query,
    })),
    ...SUFFIXES.map((suffix) => ({ kind: 'suffix' as const, suffix: suffix.replace('THERE', `127.0.0.1:${port}`) })),
  ];
}

function memberForm(members: Readonly<Record<string, unknown>>): AddressForm {
  return { kind: 'member', members };
}

/** Names of which one does not hide another: four to a request. */
function fours(names: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(names.length / 4) }, (_, index) => names.slice(index * 4, index * 4 + 4));
}

function nestedMembers(address: string, port: number): readonly Readonly<Record<string, unknown>>[] {
  return [
    { litellm_params: { api_base: address, custom_llm_provider: 'openai' } },
    { extra_body: { base_url: address, proxy: address } },
    { extra_headers: { host: `127.0.0.1:${port}`, 'x-base-url': address } },
    { extra_query: { base_url: address } },
    { metadata: { base_url: address, endpoint: address } },
    { config: { targets: [{ provider: 'openai', custom_host: address }] } },
    { provider: { name: 'openai', base_url: address, order: [address] } },
    { providers: { openai: { baseUrl: address } } },
    { client_options: { api_endpoint: address }, vertex_credentials: { token_uri: address } },
    { tools: [{ type: 'mcp', server_label: 'x', server_url: address, headers: { authorization: 'x' } }] },
    { mcp_servers: [{ type: 'url', name: 'x', url: address }] },
    { image: { url: address }, file_url: address, prediction: { url: address } },
    { __proto__: null, constructor: { prototype: { baseUrl: address } } },
  ];
}

function headerForms(address: string, port: number): readonly Readonly<Record<string, string>>[] {
  const there = `127.0.0.1:${port}`;
  return [
    { forwarded: `for=127.0.0.1;host=${there};proto=http` },
    { via: `1.1 ${there}` },
    { 'x-forwarded-host': there, 'x-forwarded-port': String(port), 'x-forwarded-proto': 'http' },
    { 'x-portkey-config': JSON.stringify({ provider: 'openai', custom_host: address }) },
    { 'x-portkey-provider': address },
    { 'x-http-method-override': 'DELETE', 'x-original-url': '/openai/v1/chat/completions' },
    { 'x-rewrite-url': '/openai/v1/chat/completions' },
    { 'x-farthing-provider': address, 'x-farthing-base-url': address, 'x-farthing-target': address },
    { 'openai-base-url': address, 'anthropic-base-url': address },
    { 'x-model': address, 'x-provider': address },
  ];
}
