import { readFileSync } from 'node:fs';
import type { PostgresServer } from '../../test/support/postgres-server.ts';
import { cpuMicroseconds } from './bench-process.ts';

/** CPU time of a Postgres server: of its main process and of all that it has made and that still run. Linux only. */
export class PostgresCpu {
  readonly #pid: number;
  /** What each process had taken when it was last seen: that of one that has ended is kept. */
  readonly #seen = new Map<number, number>();

  private constructor(pid: number) {
    this.#pid = pid;
  }

  static async of(server: PostgresServer): Promise<PostgresCpu> {
    const [row] = await server.query("SELECT pg_read_file('postmaster.pid') AS text");
    return new PostgresCpu(Number.parseInt(String(row?.['text']), 10));
  }

  microseconds(): number {
    const children = readFileSync(`/proc/${this.#pid}/task/${this.#pid}/children`, 'latin1').trim().split(' ');
    for (const pid of [this.#pid, ...children.filter(Boolean).map(Number)]) this.#see(pid);
    let sum = 0;
    for (const taken of this.#seen.values()) sum += taken;
    return sum;
  }

  #see(pid: number): void {
    try {
      this.#seen.set(pid, cpuMicroseconds(pid));
    } catch {
      // It has ended in between: what was seen last counts.
    }
  }
}
