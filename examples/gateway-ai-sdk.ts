// The AI SDK: its OpenAI provider reads OPENAI_BASE_URL and OPENAI_API_KEY by itself.
import { openai } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';

const model = openai.chat('gpt-5.4-mini');
const { text, usage } = await generateText({ model, prompt: 'What is a farthing?', temperature: 0 });
console.log(text.slice(0, 60), usage.outputTokens);

let length = 0;
for await (const part of streamText({ model, prompt: 'What is a farthing?', temperature: 0 }).textStream) {
  length += part.length;
}
console.log(`streamed: ${length} characters`);
