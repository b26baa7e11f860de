import type { Protocol } from '../core/model/protocol.ts';

/** One request of ours to a provider, ready to send. @public */
export interface ProviderRequest {
  /** Path below the provider's base URL, with a leading slash; a query may follow. */
  readonly path: string;
  readonly method: 'POST' | 'GET' | 'DELETE' | 'PUT' | 'PATCH';
  /** Lower-case names. Credentials are added by the provider. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is iterated is sent as it comes, once, and of unknown length; what it throws ends the request, and is what `onError` gets when it is a `FarthingError`. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Aborting closes the connection; `onError` follows. */
  readonly signal: AbortSignal;
  /** For how long no byte may come, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** For how long the reply's head may be waited for, in milliseconds. */
  readonly headTimeoutMs: number;
  /** Which of the provider's keys is used, an index into its `keyWeights`. @defaultValue the provider chooses */
  readonly keyIndex?: number | undefined;
}

/** Takes a provider's reply as it comes. Exactly one of `onEnd` and `onError` is called, last. @public */
export interface ProviderListener {
  onHead(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void;
  /** Returns false to pause; `resume` of the exchange goes on. The chunk may be kept. */
  onData(chunk: Uint8Array): boolean;
  onEnd(): void;
  /**
   * `FarthingError` with `provider-unreachable`, `provider-timeout`, `provider-broken` or `client-left`.
   * `wasSent` is false when no byte of the request can have left: it cost nothing then.
   */
  onError(error: Error, wasSent: boolean): void;
}

/** One request under way. @public */
export interface Exchange {
  /** Goes on after `onData` returned false. */
  resume(): void;
}

/** A configured upstream. @public */
export interface Provider {
  readonly name: string;
  readonly protocol: Protocol;
  /** The weights of its keys, where it has several: each is rested by itself when the provider refuses it. @defaultValue none to choose from */
  readonly keyWeights?: readonly number[];
  /** Takes the provider's secrets out of an error that it sent: some quote the key that they refuse. @defaultValue errors pass as they are */
  maskSecrets?(bytes: Uint8Array): Uint8Array;
  send(request: ProviderRequest, listener: ProviderListener): Exchange;
  close(): Promise<void>;
}
