// The official OpenAI client: OPENAI_BASE_URL points to the gateway (http://127.0.0.1:4141/v1), OPENAI_API_KEY is a key of the gateway.
import OpenAI from 'openai';

const openai = new OpenAI();
const request = { model: 'gpt-5.4-mini', messages: [{ role: 'user' as const, content: 'What is a farthing?' }] };

const { data, response } = await openai.chat.completions
  .create({ ...request, temperature: 0 }, { headers: { 'x-farthing-tags': 'user=alice,feature=docs' } })
  .withResponse();
console.log(data.choices[0]?.message.content?.slice(0, 60));
console.log(`cost $${response.headers.get('x-farthing-cost-usd')}, ${response.headers.get('cache-status')}`);

let length = 0;
for await (const chunk of await openai.chat.completions.create({ ...request, temperature: 0, stream: true })) {
  length += chunk.choices[0]?.delta.content?.length ?? 0;
}
console.log(`the same answer from the cache, streamed: ${length} characters`);
