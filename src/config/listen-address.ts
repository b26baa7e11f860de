import type { ListenAddress } from './config.ts';

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/;
const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/**
 * Reads `host:port` or `[address]:port`; port 0 lets the system choose.
 * @returns undefined when the text is neither.
 * @public
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = ADDRESS.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) return undefined;
  if (match?.[1] !== undefined && !match[1].includes(':')) return undefined;
  return { host, port };
}

/** Whether only this machine can reach an address: 127.0.0.0/8, `::1` or `localhost`. @public */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || name === '0:0:0:0:0:0:0:1' || LOOPBACK_V4.test(name);
}
