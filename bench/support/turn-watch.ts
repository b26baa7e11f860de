// Loaded into a gateway before it starts: tells its parent how much CPU time the longest turn of the event loop took while it watched.

/** What the watched process is told. */
export type WatchOrder = 'watch' | 'tell';

/** What it tells. */
export interface LongestTurn {
  readonly kind: 'longest-turn';
  readonly cpuMs: number;
}

let isWatching = false;
let longestMs = 0;
let beganAtMs = 0;

/** CPU time of this thread: what other processes take from it does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function turn(): void {
  const nowMs = cpuMs();
  longestMs = Math.max(longestMs, nowMs - beganAtMs);
  beganAtMs = nowMs;
  if (isWatching) setImmediate(turn);
}

process.on('message', (order: WatchOrder) => {
  isWatching = order === 'watch';
  if (isWatching) {
    longestMs = 0;
    beganAtMs = cpuMs();
    setImmediate(turn);
  } else process.send?.({ kind: 'longest-turn', cpuMs: longestMs } satisfies LongestTurn);
});
