import { cpus, loadavg } from 'node:os';

/** What a result was measured on, and what else ran there. */
export interface MachineNote {
  readonly atUtc: string;
  readonly node: string;
  readonly cpus: string;
  /** Load average of the last minute when the run began: two cores are busy at 2. */
  readonly loadBefore: number;
}

/** Notes the machine; at the beginning of a run, since the run itself is a load. */
export function machineNote(): MachineNote {
  return {
    atUtc: new Date().toISOString(),
    node: process.versions.node,
    cpus: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}
