/** What a command may be given. @public */
export type RedisArgument = string | number | Buffer;

/** The two methods of a Redis client that the stores call: those of ioredis and iovalkey. @public */
export interface RedisClient {
  /** Runs a command, answers as text. */
  call(command: string, ...args: RedisArgument[]): Promise<unknown>;
  /** Runs a command, answers as bytes. */
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>;
}

/** A client that says whether it is connected. @internal */
export interface OwnedRedisClient extends RedisClient {
  /** Resolves when it is connected; rejects at once when it has not been for a while. */
  ready(): Promise<void>;
  isReady(): boolean;
  close(): Promise<void>;
}
