/** How much a `StateStore` takes and gives. @internal */
export interface StateBounds {
  /** UTF-8 bytes of a value. */
  readonly maxValueBytes: number;
  /** UTF-8 bytes of a key. */
  readonly maxKeyBytes: number;
  /** Longest life, in milliseconds. */
  readonly maxTtlMs: number;
  /** States that are read at a time. */
  readonly maxRead: number;
  /** UTF-8 bytes of values that are read at a time: a bound for how long a store serves nobody else. */
  readonly maxReadBytes: number;
}

/** The bounds of every `StateStore`; its port says them in words. @internal */
export const STATE_BOUNDS: StateBounds = {
  maxValueBytes: 65_536,
  maxKeyBytes: 512,
  maxTtlMs: 366 * 86_400_000,
  maxRead: 1000,
  maxReadBytes: 4_194_304,
};

/** The two parts of a state's key. @internal */
export interface StateKeyParts {
  readonly namespace: string;
  /** What comes behind the first slash. */
  readonly name: string;
}

const NAMESPACE = /^[a-z][a-z0-9-]{0,31}$/;

/** Stores turn halves of surrogate pairs into one and the same character, and end texts at some control characters. */
const UNSAFE_IN_NAME = /[\p{Cc}\p{Surrogate}]/u;
const UNSAFE_IN_VALUE = /\p{Surrogate}/u;

/** Bytes that a UTF-16 unit takes in UTF-8, at the most. */
const MAX_UNIT_BYTES = 3;

const utf8 = new TextEncoder();

/** @throws RangeError @internal */
export function checkStateNamespace(namespace: string): void {
  if (!NAMESPACE.test(namespace))
    throw new RangeError('a namespace of states is 1 to 32 of a-z, 0-9 and -, the first a letter');
}

/** Takes a key apart. @throws RangeError when it is none. @internal */
export function stateKeyParts(key: string): StateKeyParts {
  const slash = key.indexOf('/');
  if (slash < 0) throw new RangeError('the key of a state is a namespace, a slash and a name');
  const namespace = key.slice(0, slash);
  const name = key.slice(slash + 1);
  checkStateNamespace(namespace);
  if (name === '' || UNSAFE_IN_NAME.test(name)) throw new RangeError('a state has a name without control characters');
  if (isLonger(key, STATE_BOUNDS.maxKeyBytes))
    throw new RangeError(`the key of a state has at most ${STATE_BOUNDS.maxKeyBytes} bytes`);
  return { namespace, name };
}

/** Checks what is to be written. @throws RangeError @internal */
export function checkStateWrite(
  value: string,
  { ttlMs, expectedVersion }: { readonly ttlMs: number; readonly expectedVersion?: number },
): void {
  const { maxValueBytes, maxTtlMs } = STATE_BOUNDS;
  if (isLonger(value, maxValueBytes)) throw new RangeError(`a state has at most ${maxValueBytes} bytes`);
  if (UNSAFE_IN_VALUE.test(value))
    throw new RangeError('a state is JSON text, where halves of surrogate pairs are escaped');
  if (!(ttlMs > 0 && ttlMs <= maxTtlMs))
    throw new RangeError(`a state lives for more than 0 and at most ${maxTtlMs} ms`);
  if (expectedVersion !== undefined && !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
    throw new RangeError('the version of a state is a whole number');
  }
}

function isLonger(text: string, maxBytes: number): boolean {
  if (text.length * MAX_UNIT_BYTES <= maxBytes) return false;
  return text.length > maxBytes || utf8.encode(text).byteLength > maxBytes;
}
