import type { CallLimits } from './limit/call-limits.ts';
import type { CallPriority } from './model/call-priority.ts';
import type { KeyRecord } from './model/key-record.ts';

/** Random bits that a new key is made of. The functions here are pure, so chance comes in as text. @public */
export interface KeyEntropy {
  /** 64 lower-case hex digits: the 256 random bits of the secret. */
  readonly secretHex: string;
  /** 16 lower-case hex digits: the public id. */
  readonly idHex: string;
}

/** What the owner of a new key decides. @public */
export interface KeyTerms {
  readonly name: string;
  readonly project: string;
  /** When the key stops working, Unix milliseconds. @defaultValue never */
  readonly expiresAtMs?: number | undefined;
  /** Models the key may ask for. @defaultValue all */
  readonly allowedModels?: readonly string[] | undefined;
  /** Tags that every call with the key carries, whatever the call says. @defaultValue none */
  readonly pinnedTags?: Readonly<Record<string, string>> | undefined;
  /** Tags without which a call is refused. @defaultValue none */
  readonly requiredTags?: readonly string[] | undefined;
  /** How much it may ask for at a time and a minute. @defaultValue without limit */
  readonly limits?: CallLimits | undefined;
  /** The most that its calls get when not all can go first. @defaultValue interactive */
  readonly priority?: CallPriority | undefined;
}

/** A key with its secret, which exists only here: it is shown once and kept as a hash. @public */
export interface IssuedKey {
  readonly record: KeyRecord;
  /** `fk-` and 43 characters. */
  readonly secret: string;
}

const SECRET = /^fk-[A-Za-z0-9_-]{43}$/;
const SECRET_HEX = /^[0-9a-f]{64}$/;
const ID_HEX = /^[0-9a-f]{16}$/;

/** Writes 256 random bits as a secret: `fk-` and 43 characters of base64url. */
function secretOf(secretHex: string): string {
  const pairs = secretHex.match(/../g) ?? [];
  const bytes = String.fromCharCode(...pairs.map((pair) => Number.parseInt(pair, 16)));
  return `fk-${btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

/** Whether a text has the form of a secret made by {@link issueKey}. Says nothing about whether the key exists. @public */
export function isGatewaySecret(text: string): boolean {
  return SECRET.test(text);
}

/**
 * Makes a key.
 * @param sha256Hex - SHA-256 of a text in lower-case hex.
 * @throws RangeError when the random bits do not have the stated length: a short secret must never be issued.
 * @public
 */
export function issueKey(
  terms: KeyTerms,
  entropy: KeyEntropy,
  nowMs: number,
  sha256Hex: (text: string) => string,
): IssuedKey {
  if (!SECRET_HEX.test(entropy.secretHex)) throw new RangeError('a secret needs 64 hex digits');
  if (!ID_HEX.test(entropy.idHex)) throw new RangeError('a key id needs 16 hex digits');
  const secret = secretOf(entropy.secretHex);
  const record: KeyRecord = {
    keyId: `key_${entropy.idHex}`,
    name: terms.name,
    project: terms.project,
    secretSha256: sha256Hex(secret),
    createdAtMs: nowMs,
    expiresAtMs: terms.expiresAtMs,
    revokedAtMs: undefined,
    allowedModels: terms.allowedModels,
    pinnedTags: terms.pinnedTags ?? {},
    requiredTags: terms.requiredTags ?? [],
    ...(terms.limits === undefined ? {} : { limits: terms.limits }),
    ...(terms.priority === undefined ? {} : { priority: terms.priority }),
  };
  return { record, secret };
}

/** The two keys of a rotation. Store `issued` first, so that no moment is without a working key. @public */
export interface KeyRotation {
  /** The successor: same name, project and limits, its own id and secret. */
  readonly issued: IssuedKey;
  /** The old key, which works until the grace period is over, or until its own earlier end. */
  readonly retired: KeyRecord;
}

/**
 * Replaces a key's secret by a successor key and lets the old one run out.
 * @param graceMs - for how long both work, in milliseconds; 0 ends the old one at once.
 * @public
 */
export function rotateKey(
  old: KeyRecord,
  graceMs: number,
  entropy: KeyEntropy,
  nowMs: number,
  sha256Hex: (text: string) => string,
): KeyRotation {
  const endsAtMs = Math.min(old.expiresAtMs ?? Number.POSITIVE_INFINITY, nowMs + graceMs);
  return { issued: issueKey(old, entropy, nowMs, sha256Hex), retired: { ...old, expiresAtMs: endsAtMs } };
}

/** Gives a key other limits; undefined takes them away. @public */
export function limitKey({ limits: _old, ...record }: KeyRecord, limits: CallLimits | undefined): KeyRecord {
  return limits === undefined ? record : { ...record, limits };
}

/** Ends a key. A key that was revoked before keeps its first date. @public */
export function revokeKey(record: KeyRecord, nowMs: number): KeyRecord {
  return { ...record, revokedAtMs: record.revokedAtMs ?? nowMs };
}

/** Whether a key works at a given moment; a key ends at `expiresAtMs`, not after it. @public */
export function keyVerdict(
  record: Pick<KeyRecord, 'expiresAtMs' | 'revokedAtMs'>,
  nowMs: number,
): 'valid' | 'expired' | 'revoked' {
  if (record.revokedAtMs !== undefined && nowMs >= record.revokedAtMs) return 'revoked';
  return record.expiresAtMs !== undefined && nowMs >= record.expiresAtMs ? 'expired' : 'valid';
}
