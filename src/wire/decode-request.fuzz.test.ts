import { expect, test } from 'vitest';
import { isFarthingError } from '../core/errors.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { mutatedBody, SECRET } from '../../test/support/mutated-bodies.ts';
import { decodeRequest } from './decode-request.ts';
import { spliceRequest } from './splice-request.ts';

const MUTATIONS = 10_000;

interface Tally {
  taken: number;
  refused: number;
}

/** Decodes one body; anything but a sound request or a refusal in the 4xx range is told as a fault. */
function faultOf(endpoint: Endpoint, bytes: Uint8Array, tally: Tally): string | undefined {
  try {
    const request = decodeRequest(endpoint, bytes);
    tally.taken += 1;
    const spliced = spliceRequest(request, { model: 'other', includeUsage: true });
    const after: unknown = JSON.parse(new TextDecoder().decode(spliced));
    const model: unknown = Object(after).model;
    return model === 'other' ? undefined : 'the spliced body has another model';
  } catch (error) {
    tally.refused += 1;
    if (!isFarthingError(error)) return `threw ${String(error)}`;
    if (error.status < 400 || error.status > 499) return `status ${error.status}`;
    return `${error.message} ${String(error.cause)}`.includes(SECRET) ? 'quotes content' : undefined;
  }
}

test.each(['chat', 'responses', 'embeddings', 'messages', 'count-tokens'] as const)(
  `%s: ${MUTATIONS} mutated bodies are taken or refused with a 4xx, and nothing else happens`,
  (endpoint) => {
    const tally: Tally = { taken: 0, refused: 0 };
    const faults: string[] = [];
    for (let seed = 1; seed <= MUTATIONS; seed += 1) {
      const bytes = mutatedBody(endpoint, seed);
      const fault = faultOf(endpoint, bytes, tally);
      if (fault !== undefined) faults.push(`seed ${seed}: ${fault}: ${new TextDecoder().decode(bytes)}`);
    }
    expect(faults).toEqual([]);
    expect(tally.taken).toBeGreaterThan(MUTATIONS / 20);
    expect(tally.refused).toBeGreaterThan(MUTATIONS / 4);
  },
  30_000,
);
