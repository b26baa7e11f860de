import type { Random } from '../../ports/clock.ts';
import { integerBetween, logNormal, sigmaOf } from '../chance.ts';
import type { JsonObject } from '../json-value.ts';
import { prose } from '../prose.ts';
import { seededRandom } from '../seeded-random.ts';
import { TOKEN_BYTES } from '../token-count.ts';
import type { Scenario, ScenarioCall } from './planned-call.ts';
import {
  CONTEXT_TOKENS,
  CONTINUE_RATIO,
  MOST_TURNS,
  STREAM_RATIO,
  SYSTEM_TOKENS,
  TURN_GAP_MS,
} from './traffic-parameters.ts';

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

/** The system prompt of a feature: the same for all its users, as in production (every Mooncake request shares its first block). */
function systemPrompt(feature: string): string {
  const seed = [...Buffer.from(feature)].reduce((sum, byte) => sum * 31 + byte, 7);
  return `You are the ${feature} assistant. ${prose(seededRandom(seed), SYSTEM_TOKENS * TOKEN_BYTES)}`;
}

/** A conversation over chat completions (one in six over Responses) whose history grows. @internal */
export function openaiConversation(random: Random): Scenario {
  const model = random.fraction() < 0.7 ? 'gpt-5.4-mini' : 'gpt-5.5';
  const isResponses = random.fraction() < 1 / 6;
  const stream = random.fraction() < STREAM_RATIO.people;
  const system = systemPrompt('assistant');
  return conversation(random, 'assistant', (turns) => {
    const messages = turns.map((turn) => ({ role: turn.role, content: turn.text }));
    return isResponses
      ? { endpoint: 'responses', body: { model, instructions: system, input: messages, store: false, stream } }
      : { endpoint: 'chat', body: { model, messages: [{ role: 'system', content: system }, ...messages], stream } };
  });
}

/** A conversation over Messages that marks the system prompt and the newest turn for the provider's cache, as agent clients do. @internal */
export function anthropicConversation(random: Random): Scenario {
  const stream = random.fraction() < STREAM_RATIO.people;
  const mark = { cache_control: { type: 'ephemeral' } };
  const system = [{ type: 'text', text: systemPrompt('coding'), ...mark }];
  return conversation(random, 'coding', (turns) => {
    const messages = turns.map((turn, index) => ({
      role: turn.role,
      content: [{ type: 'text', text: turn.text, ...(index === turns.length - 1 ? mark : {}) }],
    }));
    return { endpoint: 'messages', body: { model: 'claude-sonnet-5', max_tokens: 4096, system, messages, stream } };
  });
}

function conversation(
  random: Random,
  feature: string,
  request: (turns: readonly Turn[]) => { readonly endpoint: ScenarioCall['endpoint']; readonly body: JsonObject },
): Scenario {
  const drawn = logNormal(random, CONTEXT_TOKENS.median, sigmaOf(CONTEXT_TOKENS.median, CONTEXT_TOKENS.p95));
  const context = prose(random, Math.min(CONTEXT_TOKENS.most, drawn) * TOKEN_BYTES);
  const turns: Turn[] = [{ role: 'user', text: `${context}\n\n${prose(random, 80)}` }];
  const calls: ScenarioCall[] = [];
  let afterMs = 0;
  do {
    calls.push({ afterMs, ...request(turns) });
    turns.push({ role: 'assistant', text: prose(random, integerBetween(random, 60, 250) * TOKEN_BYTES) });
    turns.push({ role: 'user', text: prose(random, integerBetween(random, 60, 400)) });
    afterMs += Math.round(logNormal(random, TURN_GAP_MS.median, sigmaOf(TURN_GAP_MS.median, TURN_GAP_MS.p95)));
  } while (calls.length < MOST_TURNS && random.fraction() < CONTINUE_RATIO);
  const user = `user-${integerBetween(random, 1, 40)}`;
  return { projectIndex: 1, feature, user, isSequence: true, calls };
}
