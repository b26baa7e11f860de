import { readFileSync, readlinkSync } from 'node:fs';

/** Tells one process from every other that has or had the same number. @internal */
export interface ProcessIdentity {
  readonly pid: number;
  /** The machine since its start, and the space in which process numbers mean something. Undefined where it cannot be told. */
  readonly host: string | undefined;
  /** When the process began, in the kernel's ticks. Undefined where it cannot be told. */
  readonly processStart: string | undefined;
}

/** A process that is dead but not yet collected by its parent: it writes no more. */
const ZOMBIE = 'Z';

/** State and start of a process as the kernel tells it; undefined when there is none. proc(5), fields 3 and 22. */
function processFacts(
  pid: number,
): { readonly state: string | undefined; readonly start: string | undefined } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before it may hold blanks and brackets
    return { state: fields[0], start: fields[19] };
  } catch {
    return undefined; // no such process, or no /proc; `hostIdentity` tells which
  }
}

/** Boot and process namespace; undefined without /proc (other platforms), where only leases tell who lives. */
function hostIdentity(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** The identity of this process. @internal */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostIdentity(), processStart: processFacts(process.pid)?.start };
}

/**
 * Whether a process is known to be gone. False where it cannot be told: another machine, another container, a platform without /proc.
 * @internal
 */
export function isGone(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.host === undefined || other.processStart === undefined || other.host !== self.host) return false;
  const facts = processFacts(other.pid);
  return facts === undefined || facts.state === ZOMBIE || facts.start !== other.processStart;
}
