import { createServer } from 'node:net';

/** A server that nobody may reach, on every address of this machine. */
export interface CanaryServer {
  readonly port: number;
  /** Connections so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startCanaryServer(): Promise<CanaryServer> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const port = await new Promise<number>((resolve, reject) => {
    // Without a host Node listens on `::`, which takes IPv4 too, and on 0.0.0.0 where there is no IPv6.
    server.once('error', reject).listen(0, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  return {
    port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}
