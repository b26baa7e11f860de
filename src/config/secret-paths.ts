import { type ConfigPath, matchesPattern } from './config-path.ts';

/** Values that are never shown: neither in messages nor by `config explain`. Headers and queries may carry credentials too. @internal */
export const SECRET_PATTERNS: readonly string[] = [
  'storage.redis',
  'storage.postgres',
  'providers.*.apiKey',
  'providers.*.apiKeys[]',
  'providers.*.apiKeys[].key',
  'providers.*.headers.*',
  'providers.*.query.*',
  'cache.encryption.keys[]',
  'keys[].key',
  // Addresses of many services carry what lets one in.
  'alerts.webhook.url',
  'alerts.webhook.secret',
  'batch.webhooks.urls[]',
  'batch.webhooks.secret',
  'admin.key',
];

/** Whether the value at a path is a secret. @internal */
export function isSecretPath(path: ConfigPath): boolean {
  return SECRET_PATTERNS.some((pattern) => matchesPattern(pattern, path));
}

/** Takes user name and password out of addresses in a text. @internal */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/\/\/[^/@\s]*@/g, '//***@');
}
