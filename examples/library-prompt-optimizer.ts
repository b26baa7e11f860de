// Prompts made shorter in a program: counted, compressed, cut, and summed up where that pays.
import { createFarthing, diffText, formatUsd, PromptOptimizer } from 'farthing';

const farthing = createFarthing({
  providers: { openai: { protocol: 'openai', baseUrl: process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1' } },
  apiKeys: { openai: process.env['OPENAI_API_KEY'] ?? '' },
});
const optimizer = new PromptOptimizer({ model: 'gpt-5.5', farthing });

// What a tool gave back: the same records, written in fewer tokens.
const coins = ['farthing', 'penny', 'shilling', 'crown'].map((name, id) => ({ id, name, isMinted: false }));
const messages = [
  { role: 'user', content: 'Which of these coins is the smallest?' },
  { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'coins', arguments: '{}' } }] },
  { role: 'tool', tool_call_id: 'call_1', content: JSON.stringify(coins, undefined, 2) },
];
const { tokens, isExact } = await optimizer.countTokens('Which of these coins is the smallest?');
const compressed = await optimizer.compressPrompt(messages, { level: 'structural' });
console.log(`the question has ${tokens} tokens (${isExact ? 'exact' : 'about'})`);
console.log(`compressed: ${compressed.tokensBefore} -> ${compressed.tokensAfter} tokens`);
for (const { at, parts } of compressed.diff()) console.log(diffText(at, parts));

// A long text: the sentences that a question needs, within a budget.
const reports = Array.from({ length: 200 }, (_, day) =>
  day === 120 ? 'The mint of Bristol struck its last farthing in 1613.' : `On day ${day} the sea was calm off Bristol.`,
).join(' ');
const query = 'When was the last farthing struck?';
const extracted = await optimizer.compressPrompt(reports, { level: 'extractive', query, budgetTokens: 60 });
console.log(`extracted: ${extracted.tokensBefore} -> ${extracted.tokensAfter} tokens: ${extracted.prompt}`);

// Older turns of a conversation: a cheap model sums them up, if ten calls to come save more than that costs.
const turns = Array.from({ length: 6 }, (_, turn) => [
  { role: 'user', content: `Tell me of day ${turn}.` },
  { role: 'assistant', content: reports },
]).flat();
const { kind, estimate, costUsd, prompt } = await optimizer.summarizeContext(turns, {
  model: 'gpt-5.4-mini',
  expectedReuses: 10,
});
const netUsd = estimate === undefined ? 'unknown' : formatUsd(estimate.netUsd);
console.log(`${kind}: ${turns.length} -> ${prompt.length} messages, cost $${costUsd}, expected to save $${netUsd} net`);
await farthing.close();
