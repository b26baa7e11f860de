import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { once } from 'node:events';

const SERVER_PATH = process.env['REDIS_SERVER_PATH'] ?? '/usr/bin/redis-server';

/** Whether the binary of Redis is there; tests that need it are skipped by name where it is not. */
export function hasRedis(): boolean {
  try {
    accessSync(SERVER_PATH, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface RedisServerOptions {
  /** More configuration, as on the command line: `--maxmemory 100mb`. */
  readonly args?: readonly string[];
  /** Keeps data over a restart. @defaultValue false */
  readonly isDurable?: boolean;
}

/** A real Redis on a free loopback port. */
export class RedisServer {
  readonly port: number;
  readonly url: string;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #process: ChildProcess | undefined;

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.start();
    return server;
  }

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'farthing-redis-'));
  }

  /** Starts the server again after {@link RedisServer.stop}; without `isDurable` it is empty. */
  async start(): Promise<void> {
    const durable = this.#options.isDurable === true;
    const args = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      this.#folder,
      '--save',
      '',
      '--repl-diskless-sync-delay',
      '0',
    ];
    args.push('--appendonly', durable ? 'yes' : 'no', '--appendfsync', durable ? 'always' : 'no');
    const child = spawn(SERVER_PATH, [...args, ...(this.#options.args ?? [])], { stdio: 'ignore' });
    this.#process = child;
    for (let tries = 0; tries < 400; tries += 1) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      if ((await this.command('PING').catch(() => '')).startsWith('+PONG')) return;
      await delay(25);
    }
    throw new Error('redis-server did not start');
  }

  /** Kills the server. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Makes the server hang: it accepts connections and answers nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async flush(): Promise<void> {
    await this.command('FLUSHALL');
  }

  /** A second server that copies this one; resolves when it has everything. */
  async startReplica(): Promise<RedisServer> {
    const replica = await RedisServer.start({ args: ['--replicaof', `127.0.0.1 ${this.port}`] });
    for (let tries = 0; tries < 400; tries += 1) {
      if ((await replica.command('INFO', 'replication')).includes('master_link_status:up')) return replica;
      await delay(25);
    }
    throw new Error('the replica did not connect');
  }

  /** Makes a replica the primary. */
  async promote(): Promise<void> {
    await this.command('REPLICAOF', 'NO', 'ONE');
  }

  /** Sends one command on a connection of its own and gives the answer as it came. */
  async command(...words: readonly string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      socket.write(`*${words.length}\r\n${parts.join('')}`);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      return chunk.toString();
    } finally {
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Two servers that are one cluster, each with half of the slots. */
export async function startRedisCluster(): Promise<readonly [RedisServer, RedisServer]> {
  const args = ['--cluster-enabled', 'yes'];
  const first = await RedisServer.start({ args });
  const second = await RedisServer.start({ args });
  await first.command('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
  await second.command('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
  await first.command('CLUSTER', 'MEET', '127.0.0.1', `${second.port}`);
  for (let tries = 0; tries < 400; tries += 1) {
    const states = await Promise.all([first, second].map((server) => server.command('CLUSTER', 'INFO')));
    if (states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:2'))) {
      return [first, second];
    }
    await delay(25);
  }
  throw new Error('the cluster did not form');
}
