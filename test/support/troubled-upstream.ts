import { type FaultyUpstream, startFaultyUpstream } from '../../src/testing/faulty-upstream.ts';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';

/** What prompts may begin with to be failed; all others are answered. */
const TROUBLES: Readonly<Record<string, UpstreamFault>> = {
  failed: { kind: 'status', status: 500 },
  limited: { kind: 'status', status: 429 },
  reset: { kind: 'reset' },
  cut: { kind: 'cut', after: { frames: 2 }, by: 'rst' },
  silent: { kind: 'hang' },
  stalled: { kind: 'stall', after: { frames: 2 } },
};

/** An upstream that fails each call as the first word of its prompt says. */
export function startTroubledUpstream(): Promise<FaultyUpstream> {
  return startFaultyUpstream({ answer: { frames: 2 }, faultOf: (prompt) => TROUBLES[prompt.split(' ')[0] ?? ''] });
}
