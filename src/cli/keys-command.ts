import { createHash } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { FarthingError } from '../core/errors.ts';
import {
  isGatewaySecret,
  type IssuedKey,
  issueKey,
  type KeyEntropy,
  keyVerdict,
  revokeKey,
  rotateKey,
} from '../core/gateway-key.ts';
import type { KeyRecord, KeyStore } from '../ports/key-store.ts';
import type { CallLimits } from '../core/limit/call-limits.ts';
import { type CallPriority, isCallPriority } from '../core/model/call-priority.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import { openKeys, storageOf } from './command-storage.ts';
import { addDataOptions, type DataOptions } from './data-folder.ts';
import { plainTable } from './plain-table.ts';
import { parseLength } from './time-option.ts';

interface CreateOptions extends DataOptions {
  readonly name: string;
  readonly project: string;
  readonly expires?: number;
  readonly models?: readonly string[];
  readonly pin?: Readonly<Record<string, string>>;
  readonly require?: readonly string[];
  readonly concurrent?: number;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly priority?: CallPriority;
}

interface RotateOptions extends DataOptions {
  readonly grace: number;
}

/** For how long a rotated key still works, so that its users can be moved over, in milliseconds. */
const DEFAULT_GRACE_MS = 3_600_000;

const MAX_LIMIT = 1_000_000_000;

/** Adds `farthing keys create|list|revoke|rotate`. @internal */
export function registerKeys(program: Command): void {
  const group = program
    .command('keys')
    .description('Create, list, revoke and rotate gateway keys; a running gateway takes note within a second');
  addDataOptions(group.command('create').description('Make a key and print its secret, this once'))
    .requiredOption('--name <name>', 'what the key is for')
    .option('--project <name>', 'the project that pays', 'default')
    .option('--expires <length>', 'how long it works: 30d (default: for ever)', parseLength)
    .option('--models <list>', 'models it may ask for, separated by commas (default: all)', parseList)
    .option('--pin <tag=value>', 'a tag of every call with it, whatever the call says; repeatable', parsePin)
    .option('--require <list>', 'tags without which a call is refused, separated by commas', parseList)
    .option('--concurrent <count>', 'calls that it may have at a time (default: any)', parseLimit)
    .option('--rpm <count>', 'requests that it may make a minute (default: any)', parseLimit)
    .option('--tpm <count>', 'tokens, in and out, that it may use a minute (default: any)', parseLimit)
    .option('--priority <priority>', 'batch: its calls go behind interactive ones, whatever they say', parsePriority)
    .action(createCommand);
  addDataOptions(group.command('list').description('Print all keys, never their secrets')).action(listCommand);
  addDataOptions(group.command('revoke').description('End a key'))
    .argument('<id>', 'its public id: key_...', parseKeyId)
    .action(revokeCommand);
  addDataOptions(group.command('rotate').description('Make a successor with a new secret; the old key runs out'))
    .argument('<id>', 'its public id: key_...', parseKeyId)
    .option(
      '--grace <length>',
      'for how long both work: 1h; 0s ends the old one at once',
      parseLength,
      DEFAULT_GRACE_MS,
    )
    .action(rotateCommand);
}

function parseList(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('An item of the list is empty.');
  return items;
}

function parseLimit(text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX_LIMIT) throw new InvalidArgumentError(`Write a whole number from 1 to ${MAX_LIMIT}.`);
  return value;
}

function parsePriority(text: string): CallPriority {
  if (!isCallPriority(text)) throw new InvalidArgumentError('Write interactive or batch.');
  return text;
}

/** The limits that were asked for; undefined when there are none. */
function limitsOf({ concurrent, rpm, tpm }: CreateOptions): CallLimits | undefined {
  const limits: CallLimits = {
    ...(concurrent === undefined ? {} : { maxConcurrent: concurrent }),
    ...(rpm === undefined ? {} : { requestsPerMinute: rpm }),
    ...(tpm === undefined ? {} : { tokensPerMinute: tpm }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function parsePin(text: string, pins: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Write name=value.');
  return { ...pins, [name]: value };
}

/** A secret given for an id would end up in the shell's history; the message must not repeat it. */
function parseKeyId(text: string): string {
  if (isGatewaySecret(text))
    throw new FarthingError('configuration', 'this is a secret, not an id: see `farthing keys list`');
  return text;
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function entropy(): KeyEntropy {
  return { secretHex: systemRandom.hex(64), idHex: systemRandom.hex(16) };
}

async function withKeys(options: DataOptions, work: (keys: KeyStore) => Promise<void>): Promise<void> {
  const keys = await openKeys(await storageOf(options));
  try {
    await work(keys);
  } finally {
    await keys.close();
  }
}

async function keyById(keys: KeyStore, keyId: string): Promise<KeyRecord> {
  const found = (await keys.list()).find((record) => record.keyId === keyId);
  if (found === undefined) throw new FarthingError('not-found', `no key ${keyId}: see \`farthing keys list\``);
  return found;
}

function printIssued({ record, secret }: IssuedKey): void {
  console.log(`${record.keyId} of project ${record.project}. Its secret, shown only now:`);
  console.log(secret);
}

async function createCommand(options: CreateOptions): Promise<void> {
  await withKeys(options, async (keys) => {
    const nowMs = systemClock.nowMs();
    const terms = {
      name: options.name,
      project: options.project,
      expiresAtMs: options.expires === undefined ? undefined : nowMs + options.expires,
      allowedModels: options.models,
      pinnedTags: options.pin,
      requiredTags: options.require,
      limits: limitsOf(options),
      priority: options.priority,
    };
    const issued = issueKey(terms, entropy(), nowMs, sha256Hex);
    await keys.put(issued.record);
    printIssued(issued);
  });
}

function minuteText(atMs: number | undefined): string {
  return atMs === undefined ? '' : new Date(atMs).toISOString().slice(0, 16);
}

async function listCommand(options: DataOptions): Promise<void> {
  await withKeys(options, async (keys) => {
    const nowMs = systemClock.nowMs();
    const rows = (await keys.list()).map((record) => [
      record.keyId,
      record.name,
      record.project,
      keyVerdict(record, nowMs),
      minuteText(record.createdAtMs),
      minuteText(record.revokedAtMs ?? record.expiresAtMs),
      record.allowedModels?.join(',') ?? 'all',
      Object.entries(record.pinnedTags)
        .map((pin) => pin.join('='))
        .join(','),
      record.requiredTags.join(','),
      limitsText(record.limits),
      record.priority ?? 'interactive',
    ]);
    const headers = [
      'id',
      'name',
      'project',
      'state',
      'created',
      'ends',
      'models',
      'pinned tags',
      'required tags',
      'limits',
      'priority',
    ];
    console.log(rows.length === 0 ? 'No keys yet: farthing keys create --name laptop' : plainTable(headers, rows));
  });
}

function limitsText({ maxConcurrent, requestsPerMinute, tokensPerMinute }: CallLimits = {}): string {
  const parts = [
    maxConcurrent === undefined ? [] : [`${maxConcurrent} at a time`],
    requestsPerMinute === undefined ? [] : [`${requestsPerMinute} requests/min`],
    tokensPerMinute === undefined ? [] : [`${tokensPerMinute} tokens/min`],
  ];
  return parts.flat().join(', ');
}

async function revokeCommand(keyId: string, options: DataOptions): Promise<void> {
  await withKeys(options, async (keys) => {
    await keys.put(revokeKey(await keyById(keys, keyId), systemClock.nowMs()));
    console.log(`${keyId} is revoked.`);
  });
}

async function rotateCommand(keyId: string, options: RotateOptions): Promise<void> {
  await withKeys(options, async (keys) => {
    const nowMs = systemClock.nowMs();
    const old = await keyById(keys, keyId);
    const verdict = keyVerdict(old, nowMs);
    if (verdict !== 'valid')
      throw new FarthingError('invalid-request', `${keyId} is ${verdict}: create a new key instead`);
    const { issued, retired } = rotateKey(old, options.grace, entropy(), nowMs, sha256Hex);
    await keys.put(issued.record);
    await keys.put(retired);
    printIssued(issued);
    console.log(`${keyId} works until ${new Date(retired.expiresAtMs ?? nowMs).toISOString()}.`);
  });
}
