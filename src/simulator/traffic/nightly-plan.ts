import { integerBetween, logNormal, sigmaOf } from '../chance.ts';
import { prose } from '../prose.ts';
import { seededRandom } from '../seeded-random.ts';
import { TOKEN_BYTES } from '../token-count.ts';
import type { PlannedCall } from './planned-call.ts';
import { CONTEXT_TOKENS, DAY_MS } from './traffic-parameters.ts';

/** The nightly run asks within the first hours of the day, in milliseconds from midnight. */
const NIGHT_MS = DAY_MS / 6;
/** By when the answers are wanted: what is asked at night is read in the morning. */
const DEADLINE = '8h';
const SUPPORT = 0;
const USER_COUNT = 120;
const MAX_OUTPUT_TOKENS = 400;
/** Sets the seeds of nights apart from those of days. */
const NIGHT_SEED = 31_337;

/**
 * The summaries that a company has made each night, one for each of its customers' documents: calls that can wait. The same for the same seed.
 * @param seed any whole number.
 * @param calls how many documents.
 * @returns the calls in the order of their time.
 * @internal
 */
export function nightlyPlan(seed: number, calls: number): readonly PlannedCall[] {
  const random = seededRandom(seed + NIGHT_SEED);
  const sigma = sigmaOf(CONTEXT_TOKENS.median, CONTEXT_TOKENS.p95);
  const planned = Array.from({ length: calls }, (_, index): PlannedCall => {
    const tokens = Math.min(CONTEXT_TOKENS.most, logNormal(random, CONTEXT_TOKENS.median, sigma));
    const content = `${prose(random, tokens * TOKEN_BYTES)}\n\nSum this up for the morning.`;
    const messages = [{ role: 'user', content }];
    const isAnthropic = index % 2 === 1;
    const body = isAnthropic
      ? { model: 'claude-haiku-4-5', max_tokens: MAX_OUTPUT_TOKENS, messages }
      : { model: 'gpt-5.4-mini', max_completion_tokens: MAX_OUTPUT_TOKENS, messages };
    return {
      atMs: Math.floor(random.fraction() * NIGHT_MS),
      kind: 'summary',
      projectIndex: SUPPORT,
      endpoint: isAnthropic ? 'messages' : 'chat',
      body: JSON.stringify(body),
      isStream: false,
      headers: {
        'x-farthing-tags': `user=user-${integerBetween(random, 1, USER_COUNT)},feature=summaries`,
        'x-farthing-deadline': DEADLINE,
      },
    };
  });
  return planned.toSorted((left, right) => left.atMs - right.atMs);
}
