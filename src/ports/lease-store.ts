/**
 * Short leases on names, so that only one of several processes does a thing at a time. A lease is no lock on money: it
 * may lapse while its holder stands still, and both then do the work.
 * @public
 */
export interface LeaseStore {
  /** Takes the lease on a name for `lengthMs`, or renews it for its holder. False: somebody else has it. */
  acquire(name: string, holderId: string, lengthMs: number): Promise<boolean>;
  /** Gives a lease back; does nothing when another holder has it. */
  release(name: string, holderId: string): Promise<void>;
  close(): Promise<void>;
}
