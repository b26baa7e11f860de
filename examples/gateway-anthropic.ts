// The official Anthropic client: ANTHROPIC_BASE_URL points to the gateway (http://127.0.0.1:4141), ANTHROPIC_API_KEY is a key of the gateway.
import Anthropic from '@anthropic-ai/sdk';

const anthropic = new Anthropic();
const request = {
  model: 'claude-haiku-4-5',
  max_tokens: 300,
  messages: [{ role: 'user' as const, content: 'What is a farthing?' }],
};

const message = await anthropic.messages.create(request);
console.log(message.stop_reason, message.usage.output_tokens);
const streamed = await anthropic.messages.stream({ ...request, temperature: 0 }).finalMessage();
console.log(streamed.stop_reason, streamed.usage.output_tokens);
