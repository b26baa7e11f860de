/** Oldest Node that runs Farthing, as `engines` in package.json says: undici 8 needs zstd, which Node 22.15 brought, and 22.19 is what is tested. */
const LEAST_MAJOR = 22;
const LEAST_MINOR = 19;

/**
 * Says in one line why this Node cannot run Farthing; undefined when it can.
 * @param version - As `process.versions.node` has it: `22.19.0`.
 * @internal
 */
export function nodeVersionFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > LEAST_MAJOR || (major === LEAST_MAJOR && minor >= LEAST_MINOR)) return undefined;
  return `farthing needs Node ${LEAST_MAJOR}.${LEAST_MINOR} or newer; this is Node ${version}`;
}
