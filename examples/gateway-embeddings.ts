// Embeddings are kept one by one: the second call asks the provider for the new text only.
import OpenAI from 'openai';

const openai = new OpenAI();
for (const input of [
  ['a farthing', 'a penny'],
  ['a penny', 'a shilling'],
]) {
  const { data, usage } = await openai.embeddings.create({ model: 'text-embedding-3-small', input });
  console.log(`${data.length} vectors of ${data[0]?.embedding.length} numbers, ${usage.prompt_tokens} tokens`);
}
