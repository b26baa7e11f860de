/** What a command may be given. @public */
export type RedisArgument = string | number | Buffer;

/** The few methods of a Redis client that the stores call: those of ioredis and iovalkey. @public */
export interface RedisClient {
  /** Runs a command, answers as text. */
  call(command: string, ...args: RedisArgument[]): Promise<unknown>;
  /** Reads fields of a hash, as bytes. */
  hmgetBuffer(key: string, ...fields: string[]): Promise<(Buffer | null)[]>;
}

/** A client that says whether it is connected. @internal */
export interface OwnedRedisClient extends RedisClient {
  /** Resolves when it is connected; rejects at once when it has not been for a while. */
  ready(): Promise<void>;
  isReady(): boolean;
  close(): Promise<void>;
}
