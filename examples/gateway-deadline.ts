// A call that can wait: it says by when its answer must be there, and costs half where a provider's batch is back by then.
import { setTimeout as wait } from 'node:timers/promises';

const baseUrl = process.env['ANTHROPIC_BASE_URL'] ?? 'http://127.0.0.1:4141';
const headers = { 'x-api-key': process.env['ANTHROPIC_API_KEY'] ?? '', 'content-type': 'application/json' };
const PAUSE_MS = Number(process.env['FARTHING_POLL_MS'] ?? 60_000);

const taken = await fetch(`${baseUrl}/v1/messages`, {
  method: 'POST',
  headers: { ...headers, 'x-farthing-deadline': '12h' },
  body: JSON.stringify({
    model: 'claude-haiku-4-5',
    max_tokens: 400,
    messages: [{ role: 'user', content: 'Sum up the history of the farthing.' }],
  }),
});
const call = (await taken.json()) as { id: string; status: string; poll?: string };
console.log(`${taken.status}: ${call.status}`); // 202: queued; 200 is the answer itself, when waiting wins nothing

/** Asks until the call is answered. A webhook (`x-farthing-webhook`) saves that. */
async function answerOf(path: string): Promise<Response> {
  const reply = await fetch(`${baseUrl}${path}`, { headers });
  if (reply.status !== 202) return reply;
  await reply.arrayBuffer();
  await wait(PAUSE_MS);
  return answerOf(path);
}

if (call.poll !== undefined) {
  const record = (await (await answerOf(call.poll)).json()) as {
    status: string;
    way: string;
    deadline: { met: boolean };
  };
  console.log(`${record.status} by ${record.way}, deadline met: ${record.deadline.met}`);
  // The answer alone, as the provider wrote it: official clients can read it.
  const answer = await answerOf(`${call.poll}/response`);
  const cost = answer.headers.get('x-farthing-cost-usd');
  console.log(
    `${(await answer.text()).length} bytes for $${cost}, half of $${answer.headers.get('x-farthing-baseline-usd')}`,
  );
}
