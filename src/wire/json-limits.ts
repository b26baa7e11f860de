/** Bounds on the shape of a JSON text. @public */
export interface JsonLimits {
  /**
   * How deep objects and arrays may nest; the outermost one is level 1. Too low refuses large JSON Schemas, too high
   * lets a small body make every later walk over it deep.
   * @defaultValue {@link DEFAULT_MAX_DEPTH}
   */
  readonly maxDepth: number;
  /**
   * Keys of one object. Very large objects are slow to build for every step that comes after.
   * @defaultValue {@link DEFAULT_MAX_OBJECT_KEYS}
   */
  readonly maxObjectKeys: number;
}

/** Bounds on a request. The bound on its bytes is the server's, which sees them first. @public */
export interface RequestLimits extends JsonLimits {
  /**
   * Entries of `messages` (or of `input` on the Responses API).
   * @defaultValue {@link DEFAULT_MAX_MESSAGES}
   */
  readonly maxMessages: number;
  /**
   * Characters (UTF-16 code units) of a model name.
   * @defaultValue {@link DEFAULT_MAX_MODEL_CHARS}
   */
  readonly maxModelChars: number;
}

/** Levels of nesting. Our own bound: the deepest of some thousand recorded real requests has 12. @public */
export const DEFAULT_MAX_DEPTH = 64;

/** Keys. Our own bound: no real request comes near; a body of 1 MB that is one object of 85,000 keys took 0.2 s to read without it. @public */
export const DEFAULT_MAX_OBJECT_KEYS = 4096;

/** Entries. Our own bound: OpenAI's SDKs and documentation state none; agents of a day's length stay in the hundreds. @public */
export const DEFAULT_MAX_MESSAGES = 2048;

/** Characters. Our own bound: the longest name in recorded real requests has 45, cloud resource names come near 200. @public */
export const DEFAULT_MAX_MODEL_CHARS = 256;

/** The limits that hold where none are given. @public */
export const DEFAULT_REQUEST_LIMITS: RequestLimits = Object.freeze({
  maxDepth: DEFAULT_MAX_DEPTH,
  maxObjectKeys: DEFAULT_MAX_OBJECT_KEYS,
  maxMessages: DEFAULT_MAX_MESSAGES,
  maxModelChars: DEFAULT_MAX_MODEL_CHARS,
});
