import { type LoadedConfig, NO_FILE } from './config.ts';
import type { ExpansionSources } from './expand.ts';
import { loadConfig } from './load-config.ts';

/** What holds without a file: both providers, each active when its key is in the environment. */
const BUILT_IN = `
providers:
  openai:
    protocol: openai
    baseUrl: "\${env:OPENAI_BASE_URL:-https://api.openai.com/v1}"
    apiKey: "\${env:OPENAI_API_KEY:-}"
  anthropic:
    protocol: anthropic
    baseUrl: "\${env:ANTHROPIC_BASE_URL:-https://api.anthropic.com}"
    apiKey: "\${env:ANTHROPIC_API_KEY:-}"
`;

/**
 * The configuration without a file: OpenAI and Anthropic, each active when `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` is set
 * (their usual `..._BASE_URL` variables hold as well). Whether any provider is active is the caller's to check.
 * @throws ConfigError when a variable holds what cannot be used.
 * @public
 */
export function defaultConfig(sources: ExpansionSources): LoadedConfig {
  return loadConfig({ ...sources, path: NO_FILE, text: BUILT_IN });
}
