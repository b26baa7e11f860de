import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Connections on which nothing has ever been sent, such as those that browsers and pools open ahead of need. Node does not count them as idle, and stops
 * to look for slow ones once its server closes: a stop would wait for them until its time is over.
 * @internal
 */
export class UnusedConnections {
  readonly #sockets: Set<Socket> = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', ({ socket }) => this.#sockets.delete(socket));
  }

  close(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }
}
