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
  /**
   * Objects and arrays in all. Each costs as much as some hundred letters in every step that walks over the value.
   * @defaultValue {@link DEFAULT_MAX_CONTAINERS}
   */
  readonly maxContainers: number;
}

/** Bounds on a request. The bound on its bytes is the server's, which sees them first. @public */
export interface RequestLimits extends JsonLimits {
  /**
   * Entries of `messages`, or of `input` on the Responses API; texts of one embeddings request.
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

/**
 * Objects and arrays. Our own bound: a conversation of 2,048 messages with 20 parts each, beside 128 tools of 100 nodes, has 54,000; a body of 1 MB that is
 * nothing but brackets has 500,000 and took 0.1 s to read without it.
 * @public
 */
export const DEFAULT_MAX_CONTAINERS = 65_536;

/** Entries. Our own bound: OpenAI's SDKs and documentation state none; agents of a day's length stay in the hundreds. @public */
export const DEFAULT_MAX_MESSAGES = 2048;

/** Characters. Our own bound: the longest name in recorded real requests has 45, cloud resource names come near 200. @public */
export const DEFAULT_MAX_MODEL_CHARS = 256;

/** The limits that hold where none are given. @public */
export const DEFAULT_REQUEST_LIMITS: RequestLimits = Object.freeze({
  maxDepth: DEFAULT_MAX_DEPTH,
  maxObjectKeys: DEFAULT_MAX_OBJECT_KEYS,
  maxContainers: DEFAULT_MAX_CONTAINERS,
  maxMessages: DEFAULT_MAX_MESSAGES,
  maxModelChars: DEFAULT_MAX_MODEL_CHARS,
});

/** For bodies that have passed their limits before and were changed here: what is added must not make them fail. @internal */
export const NO_REQUEST_LIMITS: RequestLimits = Object.freeze({
  maxDepth: Infinity,
  maxObjectKeys: Infinity,
  maxContainers: Infinity,
  maxMessages: Infinity,
  maxModelChars: Infinity,
});
