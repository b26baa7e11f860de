/** Vendors whose prices Farthing ships, by the host of their own API. @public */
export const VENDOR_HOSTS: Readonly<Record<string, string>> = {
  'api.openai.com': 'openai',
  'api.anthropic.com': 'anthropic',
  'generativelanguage.googleapis.com': 'google',
  'api.deepseek.com': 'deepseek',
  'api.mistral.ai': 'mistral',
  'api.groq.com': 'groq',
  'api.x.ai': 'x-ai',
  'openrouter.ai': 'openrouter',
};

const VENDORS: ReadonlySet<string> = new Set(Object.values(VENDOR_HOSTS));

/**
 * Whose prices a provider charges. The host decides; a provider at any other host (a proxy, a simulator) is taken for the vendor
 * that it is named after.
 * @returns undefined when neither says it: only the operator's own prices apply then, never a guess.
 * @public
 */
export function vendorOf(providerName: string, baseUrl: string): string | undefined {
  const host = URL.parse(baseUrl)?.hostname ?? '';
  if (Object.hasOwn(VENDOR_HOSTS, host)) return VENDOR_HOSTS[host];
  // Regional hosts of OpenAI: us.api.openai.com, eu.api.openai.com.
  if (host.endsWith('.api.openai.com')) return 'openai';
  if (host === 'aiplatform.googleapis.com' || host.endsWith('-aiplatform.googleapis.com')) return 'google';
  return VENDORS.has(providerName) ? providerName : undefined;
}
