import { totalmem } from 'node:os';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

/** Figures of a process's memory, in bytes. @internal */
export interface MemoryFigures {
  /** V8's heap without the young generation, which empties itself. */
  readonly oldHeapBytes: number;
  readonly heapLimitBytes: number;
  /** V8's whole heap and what it keeps alive outside: buffers above all. */
  readonly totalBytes: number;
  /** What the process may have: of its container, else of the machine. */
  readonly totalLimitBytes: number;
}

const BYTES_PER_MIB = 2 ** 20;

const HEAP_FLAG = /--max[-_]old[-_]space[-_]size[= ](\d{1,9})/g;

/** How much of what there is a process uses: of V8's heap or of all memory, whichever is nearer to its end. @internal */
export function memoryRatio({ oldHeapBytes, heapLimitBytes, totalBytes, totalLimitBytes }: MemoryFigures): number {
  return Math.max(oldHeapBytes / heapLimitBytes, totalBytes / totalLimitBytes);
}

/**
 * Where V8 gives up. With `--max-old-space-size` its own figure lies up to 192 MiB above the place (Node 24), which a small heap would
 * never reach alive; without the flag by some percent only.
 * @param statedBytes - V8's `heap_size_limit`.
 * @param options - Node's options as they were given.
 * @internal
 */
export function heapLimit(statedBytes: number, options: readonly string[]): number {
  const flag = [...options.join(' ').matchAll(HEAP_FLAG)].at(-1)?.[1];
  return flag === undefined ? statedBytes : Math.min(statedBytes, Number(flag) * BYTES_PER_MIB);
}

/**
 * Reads this process's memory; costs some microseconds.
 * @param options - Node's options as they were given.
 * @param totalLimitBytes - What the process may have.
 * @internal
 */
export function memoryReader(options: readonly string[], totalLimitBytes: number = availableBytes()): () => number {
  const heapLimitBytes = heapLimit(getHeapStatistics().heap_size_limit, options);
  return () => {
    const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    const totalBytes = heapBytes + externalBytes;
    return memoryRatio({ oldHeapBytes: oldHeapSize(), heapLimitBytes, totalBytes, totalLimitBytes });
  };
}

/** The container's memory, else the machine's. */
function availableBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

function oldHeapSize(): number {
  let sizeBytes = 0;
  for (const { space_name: name, space_used_size: usedBytes } of getHeapSpaceStatistics()) {
    if (!name.startsWith('new_')) sizeBytes += usedBytes;
  }
  return sizeBytes;
}
