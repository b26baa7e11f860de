import type { ReplyReceiver } from '../../middleware/compose.ts';

/** Takes a reply that nobody waits for. @internal */
export function silentReceiver(): ReplyReceiver {
  return {
    head: () => undefined,
    frames: () => true,
    drained: () => Promise.resolve(),
    end: () => undefined,
    fail: () => undefined,
  };
}
