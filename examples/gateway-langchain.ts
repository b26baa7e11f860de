// LangChain, pointed to the gateway like the client beneath it.
import { ChatOpenAI } from '@langchain/openai';

const baseURL = process.env['OPENAI_BASE_URL'];
const model = new ChatOpenAI({
  model: 'gpt-5.4-mini',
  ...(baseURL === undefined ? {} : { configuration: { baseURL } }),
});
const reply = await model.invoke('What is a farthing?');
console.log(reply.text.slice(0, 60), reply.usage_metadata?.output_tokens);
