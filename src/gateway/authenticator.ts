import { hash, timingSafeEqual } from 'node:crypto';
import { FarthingError } from '../core/errors.ts';
import type { Caller } from '../core/model/caller.ts';
import type { KeyRing } from './key-ring.ts';

/** Who may come in. @internal */
export interface AuthenticatorOptions {
  /** Undefined: authentication is off, every call is one of project `default`. */
  readonly keyRing: KeyRing | undefined;
  /** Undefined: the admin API is off. */
  readonly adminKey: string | undefined;
}

/** The caller of calls where authentication is off. */
const LOCAL_CALLER: Caller = { project: 'default', keyId: 'local' };

/** Turns secrets into callers. Unknown, expired and revoked keys read alike to whoever sends them. @internal */
export class Authenticator {
  readonly #keyRing: KeyRing | undefined;
  readonly #adminDigest: Buffer | undefined;

  constructor(options: AuthenticatorOptions) {
    this.#keyRing = options.keyRing;
    this.#adminDigest = options.adminKey === undefined ? undefined : hash('sha256', options.adminKey, 'buffer');
  }

  /** The caller, when no store has to be asked for it. */
  knownCaller(secret: string | undefined): Caller | undefined {
    if (this.#keyRing === undefined) return LOCAL_CALLER;
    return secret === undefined ? undefined : this.#keyRing.peek(secret);
  }

  /**
   * The caller.
   * @throws FarthingError `unauthenticated`, or `store-unavailable` when the key cannot be checked.
   */
  async demandCaller(secret: string | undefined): Promise<Caller> {
    if (this.#keyRing === undefined) return LOCAL_CALLER;
    if (secret === undefined) {
      throw new FarthingError(
        'unauthenticated',
        'no API key: send "authorization: Bearer <key>" or "x-api-key: <key>"',
      );
    }
    const caller = await this.#keyRing.find(secret);
    if (caller === undefined) throw new FarthingError('unauthenticated', 'incorrect API key');
    return caller;
  }

  /**
   * Lets the admin key through.
   * @throws FarthingError `unauthenticated`, or `forbidden` when the admin API is off.
   */
  demandAdmin(secret: string | undefined): void {
    if (this.#adminDigest === undefined) {
      throw new FarthingError('forbidden', 'the admin API is off: set admin.key in the configuration');
    }
    const digest = hash('sha256', secret ?? '', 'buffer');
    if (secret === undefined || !timingSafeEqual(digest, this.#adminDigest)) {
      throw new FarthingError('unauthenticated', 'incorrect admin key');
    }
  }
}
