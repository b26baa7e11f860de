import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A port that leads to another one, which may change: what a fail-over is for clients that know one address. */
export interface Switchboard {
  readonly port: number;
  /** Cuts all connections and leads new ones to another port. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

/** Opens one on loopback. */
export async function startSwitchboard(port: number): Promise<Switchboard> {
  const state = { target: port };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(state.target, '127.0.0.1');
    for (const [end, otherEnd] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(end);
      end.on('error', () => otherEnd.destroy());
      end.on('close', () => {
        sockets.delete(end);
        otherEnd.destroy();
      });
      end.pipe(otherEnd);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    leadTo(next) {
      state.target = next;
      cut();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
