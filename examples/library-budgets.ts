// Budgets in a program: at most a dollar a day in all, and half a cent for each user. What does not fit is refused before it is sent.
import { createFarthing, formatUsd } from 'farthing';
import OpenAI, { APIError } from 'openai';

const baseUrl = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';
const farthing = createFarthing({
  providers: { openai: { protocol: 'openai', baseUrl } },
  // storage: './farthing-data', // counts what was spent before, and by other processes that use the folder
  budgets: [
    { name: 'everything', limitUsd: '1', window: 'day', timezone: 'Europe/Berlin' },
    { name: 'per-user', limitUsd: '0.005', window: { rollingMs: 86_400_000 }, scope: 'tag:user', alertAt: [0.25] },
  ],
  onEvent: (event) => {
    if (event.kind !== 'budget-alert') return;
    const { budget, value, ratio, usedNanoUsd } = event.alert;
    console.log(`alert: ${value} has used ${ratio * 100} % of ${budget}: $${formatUsd(usedNanoUsd)}`);
  },
});
const openai = new OpenAI({ fetch: farthing.fetch });

/** The output limit bounds what a call can cost: without one it would reserve the model's longest answer. */
async function ask(user: string, content: string): Promise<string> {
  const request = { model: 'gpt-5.4-mini', messages: [{ role: 'user' as const, content }], max_completion_tokens: 400 };
  try {
    await openai.chat.completions.create(request, { headers: { 'x-farthing-tags': `user=${user}` } });
    return 'answered';
  } catch (error) {
    if (!(error instanceof APIError) || error.status !== 402) throw error;
    return `refused, ${error.code}: ${error.message}`;
  }
}

for (const question of ['a farthing', 'a penny', 'a shilling', 'a crown', 'a guinea', 'a florin', 'a groat']) {
  const answer = await ask('alice', `What is ${question}?`);
  console.log(`alice: ${answer}`);
  if (answer !== 'answered') break;
}
console.log(`bob: ${await ask('bob', 'What is a farthing?')}`);
await farthing.close();
