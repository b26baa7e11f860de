// Cheaper models where their answers can be checked: ask the small one, check, ask again where that fails.
import OpenAI from 'openai';
import { type AnswerView, createFarthing } from 'farthing';

const baseUrl = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1';

/** A check of your own, behind those of the tool's schema. */
function namesOneTable({ toolCalls }: AnswerView): boolean {
  return toolCalls.length === 1;
}

const farthing = createFarthing({
  providers: { openai: { protocol: 'openai', baseUrl } },
  apiKeys: { openai: process.env['OPENAI_API_KEY'] ?? '' },
  routes: [
    {
      name: 'look-ups',
      match: { tools: ['look_up'] },
      cascade: { from: 'openai/gpt-5.4-nano', to: 'openai/gpt-5.4-mini', verify: ['tools', namesOneTable] },
    },
  ],
  onCall: ({ target, route, savedNanoUsd = 0 }) =>
    console.log(`${route?.route ?? 'no route'}: answered by ${target}, saved $${savedNanoUsd / 1e9}`),
});
const openai = new OpenAI({ apiKey: process.env['OPENAI_API_KEY'] ?? '', baseURL: baseUrl, fetch: farthing.fetch });

const parameters = {
  type: 'object',
  properties: { table: { enum: ['orders', 'refunds'] }, number: { type: 'integer' } },
  required: ['table', 'number'],
};
for (const content of ['Order 7?', 'Refund 12?', 'Order 33?']) {
  const { choices } = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    temperature: 0,
    messages: [{ role: 'user', content }],
    tools: [{ type: 'function', function: { name: 'look_up', parameters } }],
  });
  const call = choices[0]?.message.tool_calls?.[0];
  console.log(content, call?.type === 'function' ? call.function.arguments : 'no call');
}
await farthing.close();
