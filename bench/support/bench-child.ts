// What every process of a bench run has in common: it says where it listens and ends with its parent.
import type { Server } from 'node:http';

/** What a process says once it listens. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly port: number;
}

/** Listens on a free port of loopback, tells the parent, and ends when the parent does. */
export function serveForBench(server: Server): void {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) announce(address.port);
  });
}

/** Tells the parent where this process listens, and ends with it. */
export function announce(port: number): void {
  process.on('disconnect', () => process.exit());
  process.send?.({ kind: 'ready', port } satisfies ReadyMessage);
}

/** A setting that the parent passed through the environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this process is started by bench/run.ts`);
  return value;
}
