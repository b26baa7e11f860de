import { expect, test } from 'vitest';
import { BROKEN_REPLY_STAGES, deceivedClients } from '../support/broken-replies.ts';
import { FAULT_CASES } from '../support/fault-cases.ts';

test.each(BROKEN_REPLY_STAGES)(
  `no reply that is cut, stalled or broken ends as if it were whole: all ${FAULT_CASES.length} cases, %s`,
  async (_, targets, resilience) => {
    expect(await deceivedClients(FAULT_CASES, targets, resilience)).toEqual([]);
  },
);
