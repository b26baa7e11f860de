import { Pool } from 'undici';
import type { UpstreamFault } from '../../src/testing/upstream/upstream-fault.ts';
import { readAnswer, type SeenAnswer } from '../../src/testing/upstream/answer-reader.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';
import { type AskedCall, askedRequest, FORMS } from './asked-calls.ts';

/** Questions that are asked again and again. */
const KNOWN_QUESTIONS = 200;

/** One kind of call and its share of the traffic. */
interface Kind {
  readonly name: 'hit' | 'miss' | 'error' | 'leaves' | 'invalid';
  readonly ratio: number;
}

const KINDS: readonly Kind[] = [
  { name: 'hit', ratio: 0.5 },
  { name: 'miss', ratio: 0.35 },
  { name: 'error', ratio: 0.08 },
  { name: 'leaves', ratio: 0.04 },
  { name: 'invalid', ratio: 0.03 },
];

const ERRORS: readonly UpstreamFault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 429 },
  { kind: 'reset' },
  { kind: 'cut', after: { frames: 4 }, by: 'rst' },
  { kind: 'malformed', afterFrames: 4, form: 'garbage' },
];

/** The fault that a prompt of this traffic shows. */
export function soakFault(prompt: string): UpstreamFault | undefined {
  const number = /^error (\d+)/.exec(prompt)?.[1];
  if (number !== undefined) return ERRORS[Number(number) % ERRORS.length];
  return prompt.startsWith('leaves') ? { kind: 'stall', after: { frames: 4 } } : undefined;
}

/** Calls of all kinds, so many at a time, at one gateway. */
export class SoakTraffic {
  /** Ends that were not as they must be. */
  readonly surprises: string[] = [];
  #made = 0;
  readonly #pool: Pool;
  readonly #random = seededRandom(1);
  readonly #width: number;

  constructor(baseUrl: string, width: number) {
    this.#pool = new Pool(baseUrl, { connections: width });
    this.#width = width;
  }

  get made(): number {
    return this.#made;
  }

  /** Makes calls until there have been `count` in all. */
  async runTo(count: number): Promise<void> {
    const caller = async (): Promise<void> => {
      while (this.#made < count) {
        this.#made += 1;
        // oxlint-disable-next-line no-await-in-loop -- a caller makes one call after the other
        await this.#call(this.#made);
      }
    };
    await Promise.all(Array.from({ length: this.#width }, caller));
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #kind(): Kind['name'] {
    let left = this.#random.fraction();
    for (const { name, ratio } of KINDS) {
      if (left < ratio) return name;
      left -= ratio;
    }
    return 'hit';
  }

  async #call(number: number): Promise<void> {
    const kind = this.#kind();
    const form = FORMS[number % FORMS.length] ?? { endpoint: 'chat' as const, isStream: true };
    const known = Math.floor(this.#random.fraction() * KNOWN_QUESTIONS);
    const call: AskedCall =
      kind === 'leaves'
        ? { endpoint: 'chat', isStream: true, prompt: `leaves ${number}` }
        : { ...form, prompt: kind === 'hit' ? `known ${known}` : `${kind} ${number}` };
    const seen = await this.#send(kind, call);
    const wanted = kind === 'hit' || kind === 'miss' ? ['right'] : WANTED[kind];
    // Replies of one frame are over before a fault behind the fourth one.
    const isShort = kind === 'error' && seen.kind === 'right';
    if (!wanted.includes(seen.kind) && !isShort)
      this.surprises.push(`${kind} ${JSON.stringify(call)}: ${JSON.stringify(seen)}`);
  }

  async #send(kind: Kind['name'], call: AskedCall): Promise<SeenAnswer | { readonly kind: 'left' | 'no-reply' }> {
    const [path, { body }] = askedRequest(call);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer test' };
    // Its last brace is missing.
    const sent = kind === 'invalid' ? body.slice(0, -1) : body;
    const reply = await this.#pool.request({ method: 'POST', path, headers, body: sent }).catch(() => undefined);
    if (reply === undefined) return { kind: 'no-reply' };
    if (kind === 'leaves') {
      for await (const _ of reply.body) break;
      return { kind: 'left' };
    }
    const head = { get: (name: string) => String(reply.headers[name]) };
    return readAnswer({ status: reply.statusCode, headers: head, body: reply.body }, call);
  }
}

const WANTED: Readonly<Record<'error' | 'leaves' | 'invalid', readonly string[]>> = {
  error: ['refused', 'error-event'],
  leaves: ['left'],
  invalid: ['refused'],
};
