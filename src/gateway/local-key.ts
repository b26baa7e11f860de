import { hash } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isGatewaySecret, issueKey, keyVerdict } from '../core/gateway-key.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';

/** What a local key is made with. @internal */
export interface LocalKeyOptions {
  readonly folder: string;
  readonly keys: KeyStore;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Makes sure that a folder has a key for the person at this machine, in a file that only they can read, and says where. So that
 * authentication can be on from the first start without a step more.
 * @internal
 */
export async function ensureLocalKey({ folder, keys, clock, random }: LocalKeyOptions): Promise<string> {
  const path = resolve(folder, 'local-key');
  const nowMs = clock.nowMs();
  const kept = await readSecret(path);
  const record = kept === undefined ? undefined : await keys.findBySecretHash(hash('sha256', kept));
  if (record !== undefined && keyVerdict(record, nowMs) === 'valid') return path;
  const entropy = { secretHex: random.hex(64), idHex: random.hex(16) };
  const issued = issueKey({ name: 'local', project: 'default' }, entropy, nowMs, (text) => hash('sha256', text));
  await keys.put(issued.record);
  await writeFile(path, issued.secret, { mode: 0o600 });
  await chmod(path, 0o600); // a file that was there keeps its own mode
  return path;
}

async function readSecret(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return isGatewaySecret(text) ? text : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
