// Calls through a gateway with hard budgets: what to do when nothing is left. Its configuration:
//   budgets:
//     - { name: per-customer, scope: tag:customer, limitUsd: 0.005, window: { rolling: 24h } }
import OpenAI, { APIError } from 'openai';

const openai = new OpenAI(); // tries again by itself after 429, when `retry-after` has passed

/** Answers, or says why there is no money for the call. */
async function ask(customer: string, content: string): Promise<string> {
  const request = { model: 'gpt-5.4-mini', messages: [{ role: 'user' as const, content }], max_completion_tokens: 400 };
  try {
    await openai.chat.completions.create(request, { headers: { 'x-farthing-tags': `customer=${customer}` } });
    return 'answered';
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    switch (error.status) {
      case 402: // spent: the same call fits when the budget resets or is raised, and not before
        return `refused, ${error.code}: ${error.message}`;
      case 429: // calls in flight hold what is left: it comes free when they end
        return `try again in ${error.headers?.get('retry-after')} s, ${error.code}: ${error.message}`;
      default:
        throw error;
    }
  }
}

for (const coin of ['a farthing', 'a penny', 'a shilling', 'a crown', 'a guinea', 'a florin', 'a groat']) {
  const answer = await ask('acme', `What is ${coin}?`);
  console.log(`acme: ${answer}`);
  if (!answer.startsWith('answered')) break;
}
console.log(`globex: ${await ask('globex', 'What is a farthing?')}`);
