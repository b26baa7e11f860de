import type { Random } from '../../ports/clock.ts';
import { integerBetween, popularIndex } from '../chance.ts';
import { prose } from '../prose.ts';
import { seededRandom } from '../seeded-random.ts';
import type { Scenario, ScenarioCall } from './planned-call.ts';
import { QUESTION_COUNT, STREAM_RATIO } from './traffic-parameters.ts';

const SUPPORT = 0;
const QUESTIONS_SEED = 4711;
/** What the help desk knows, in front of each question: too short for any provider's prompt cache. */
const KNOWLEDGE_BYTES = 2400;

/** The text of the question of that popularity. */
function questionText(index: number): string {
  return `${prose(seededRandom(QUESTIONS_SEED + index), 60).slice(0, -1)}?`;
}

function knowledge(): string {
  return `Answer from this:\n${prose(seededRandom(QUESTIONS_SEED - 1), KNOWLEDGE_BYTES)}`;
}

function supportCall(
  text: string,
  how: { isAnthropic: boolean; stream: boolean; temperature?: number; seed?: number },
): ScenarioCall {
  const { isAnthropic, stream, ...sampling } = how;
  const user = { role: 'user', content: text };
  if (isAnthropic) {
    const body = {
      model: 'claude-haiku-4-5',
      max_tokens: 2048,
      system: knowledge(),
      messages: [user],
      stream,
      ...sampling,
    };
    return { afterMs: 0, endpoint: 'messages', body };
  }
  const messages = [{ role: 'system', content: knowledge() }, user];
  return { afterMs: 0, endpoint: 'chat', body: { model: 'gpt-5.4-mini', messages, stream, ...sampling } };
}

/** A question of the help desk at temperature 0: many people ask the same. @internal */
export function question(random: Random): Scenario {
  const text = questionText(popularIndex(random, QUESTION_COUNT));
  const stream = random.fraction() < STREAM_RATIO.people;
  const call = supportCall(text, { isAnthropic: random.fraction() < 0.3, stream, temperature: 0 });
  return { projectIndex: SUPPORT, feature: 'help-desk', user: someUser(random), isSequence: false, calls: [call] };
}

/** The same with sampling on, as most clients leave it: only a wider cache mode would serve the repeats. @internal */
export function samplingQuestion(random: Random): Scenario {
  const text = questionText(popularIndex(random, QUESTION_COUNT));
  const call = supportCall(text, { isAnthropic: false, stream: random.fraction() < STREAM_RATIO.people });
  return { projectIndex: SUPPORT, feature: 'drafts', user: someUser(random), isSequence: false, calls: [call] };
}

/** Two to six identical calls at one moment: retries of a front end, workers that start on the same job. @internal */
export function duplicates(random: Random): Scenario {
  const text = `${prose(random, 300)} Sum this up in one line.`;
  const how = { isAnthropic: false, stream: random.fraction() < 0.5, seed: 1 };
  const calls = Array.from({ length: integerBetween(random, 2, 6) }, () => supportCall(text, how));
  return { projectIndex: SUPPORT, feature: 'digest', user: someUser(random), isSequence: false, calls };
}

/** A long answer that its reader does not wait for. @internal */
export function abandonedQuestion(random: Random): Scenario {
  const text = `${prose(random, 120)} Explain in detail.`;
  const call = {
    ...supportCall(text, { isAnthropic: false, stream: true }),
    abandonAfterMs: integerBetween(random, 1500, 2500),
  };
  return { projectIndex: SUPPORT, feature: 'help-desk', user: someUser(random), isSequence: false, calls: [call] };
}

/** A program's mistake: a model that does not exist, or a message without a known role. @internal */
export function mistake(random: Random): Scenario {
  const call = supportCall(prose(random, 60), { isAnthropic: false, stream: false });
  const wrong =
    random.fraction() < 0.5
      ? { model: 'gpt-5.4-mega' }
      : { messages: [{ role: 'wizard', content: 'Where is my parcel?' }] };
  const calls = [{ ...call, body: { ...call.body, ...wrong } }];
  return { projectIndex: SUPPORT, feature: 'help-desk', user: someUser(random), isSequence: false, calls };
}

function someUser(random: Random): string {
  return `user-${integerBetween(random, 1, 120)}`;
}
