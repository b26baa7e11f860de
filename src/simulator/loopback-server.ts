import type { Server } from 'node:http';

/** Listens on a free port of the loopback interface. @returns the origin, `http://127.0.0.1:port`. @internal */
export function listenOnLoopback(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(`http://127.0.0.1:${address.port}`);
      else reject(new TypeError('the server has no port'));
    });
  });
}

/** Closes a server and every connection it has. @internal */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
