import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import type { CacheKey } from '../../core/model/cache-entry.ts';

/** The format of what is sealed. */
const VERSION = 1;

const KEY_BYTES = 32;
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Version and key id. */
const NONCE_AT = 1 + ID_BYTES;
const TAG_AT = NONCE_AT + NONCE_BYTES;
const TEXT_AT = TAG_AT + TAG_BYTES;

/** Characters of a selector: 96 bits. */
const SELECTOR_CHARACTERS = 16;

/** Digits of a cache key that choose the AES key: 256 of them. */
const SHARE_DIGITS = 2;

/**
 * One encryption key at work: AES-256-GCM with a random nonce for each text. Random nonces are safe for 2^32 texts of one AES key, which a busy fleet writes
 * in weeks: 256 AES keys, derived from the encryption key and chosen by the cache key, share the texts. They are kept, since making one costs more than all else.
 * @internal
 */
export class CacheCipher {
  /** Names the key in what it sealed, in hex; tells nothing about it. */
  readonly id: string;
  readonly #idBytes: Buffer;
  readonly #key: Uint8Array;
  readonly #valueKeys = new Map<string, KeyObject>();
  readonly #selectorKey: KeyObject;

  /** @param key - 32 bytes. */
  constructor(key: Uint8Array) {
    this.#idBytes = derived(key, 'id', ID_BYTES);
    this.id = this.#idBytes.toString('hex');
    this.#key = key;
    this.#selectorKey = createSecretKey(derived(key, 'selectors', KEY_BYTES));
  }

  /** What {@link CacheCipher.open} opens under the same cache key. */
  seal(key: CacheKey, text: Uint8Array): Buffer {
    const sealed = Buffer.allocUnsafe(TEXT_AT + text.byteLength);
    sealed[0] = VERSION;
    sealed.set(this.#idBytes, 1);
    const nonce = randomFillSync(sealed.subarray(NONCE_AT, TAG_AT));
    const cipher = createCipheriv('aes-256-gcm', this.#keyFor(key), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(key, sealed));
    sealed.set(cipher.update(text), TEXT_AT);
    cipher.final();
    sealed.set(cipher.getAuthTag(), TAG_AT);
    return sealed;
  }

  /** The text; undefined when it was not sealed so by this key for this cache key. */
  open(key: CacheKey, sealed: Uint8Array): Buffer | undefined {
    if (sealed.byteLength < TEXT_AT) return undefined;
    const nonce = sealed.subarray(NONCE_AT, TAG_AT);
    const cipher = createDecipheriv('aes-256-gcm', this.#keyFor(key), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(key, sealed));
    cipher.setAuthTag(sealed.subarray(TAG_AT, TEXT_AT));
    const text = cipher.update(sealed.subarray(TEXT_AT));
    try {
      cipher.final();
      return text;
    } catch {
      return undefined; // how Node says that the tag does not fit
    }
  }

  /** Stands for a project or a tag: the same for the same parts, and nothing that can be guessed at without the key. */
  selector(parts: readonly string[]): string {
    const digest = createHmac('sha256', this.#selectorKey).update(JSON.stringify(parts)).digest('base64url');
    return digest.slice(0, SELECTOR_CHARACTERS);
  }

  #keyFor(key: CacheKey): KeyObject {
    const share = key.slice(0, SHARE_DIGITS);
    let valueKey = this.#valueKeys.get(share);
    if (valueKey === undefined) {
      valueKey = createSecretKey(derived(this.#key, `values ${share}`, KEY_BYTES));
      this.#valueKeys.set(share, valueKey);
    }
    return valueKey;
  }
}

/** Id of the key that sealed a value; undefined when it was not sealed in a format known here. @internal */
export function sealingKeyId(sealed: Uint8Array): string | undefined {
  if (sealed.byteLength < TEXT_AT || sealed[0] !== VERSION) return undefined;
  return Buffer.from(sealed.subarray(1, NONCE_AT)).toString('hex');
}

function derived(key: Uint8Array, purpose: string, sizeBytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `farthing cache encryption ${VERSION}: ${purpose}`, sizeBytes));
}

/** What must be as it was when the value was sealed: format, key id, cache key. */
function boundTo(key: CacheKey, sealed: Uint8Array): Buffer {
  return Buffer.concat([sealed.subarray(0, NONCE_AT), Buffer.from(key)]);
}
