import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type BenchProcess, startProgram } from './bench-process.ts';

/** Starts nginx as a bare proxy, in one process; undefined where the machine has none. */
export async function startNginx(folder: string, upstreamOrigin: string): Promise<BenchProcess | undefined> {
  if (!hasNginx()) return undefined;
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(folder, port, upstreamOrigin));
  const nginx = startProgram('nginx', ['-c', file, '-p', folder], `http://127.0.0.1:${port}`);
  await untilAnswers(nginx.origin);
  return nginx;
}

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Waits until something listens. */
async function untilAnswers(origin: string): Promise<void> {
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    try {
      await fetch(origin);
      return;
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
    }
  }
  throw new Error(`nothing answers at ${origin}`);
}

function hasNginx(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function configuration(folder: string, port: number, upstreamOrigin: string): string {
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 512; }
http {
  access_log off; client_body_buffer_size 1m; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  upstream provider { server ${new URL(upstreamOrigin).host}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; }
  }
}
`;
}
