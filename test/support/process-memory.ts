import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether processes can be looked at from here. */
export const hasProcessFiles: boolean = existsSync('/proc/self/status');

/** Memory of a process that is in RAM, in bytes. */
export function residentBytes(pid: number | undefined): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kilobytes) * 1024;
}

/** File descriptors that a process has open. */
export function openDescriptors(pid: number | undefined): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
