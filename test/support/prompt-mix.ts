import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { Random } from '../../src/ports/clock.ts';
import { prose } from '../../src/simulator/prose.ts';
import { seededRandom } from '../../src/simulator/seeded-random.ts';

/** One request of a mix. */
export interface MixedRequest {
  readonly endpoint: 'chat' | 'responses' | 'messages';
  readonly model: string;
  readonly isStream: boolean;
  readonly system: string;
  readonly turns: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[];
}

interface MixClients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

const MODELS = [
  { endpoint: 'chat', model: 'gpt-5.4-mini' },
  { endpoint: 'chat', model: 'gpt-5.6-luna' },
  { endpoint: 'responses', model: 'gpt-5.6-luna' },
  { endpoint: 'messages', model: 'claude-sonnet-5' },
  { endpoint: 'messages', model: 'claude-haiku-4-5' },
] as const;

/** Conversations that grow, begin alike, come again and end, as the seed has it. */
export function promptMix(seed: number, requests: number, models: readonly string[] | undefined): MixedRequest[] {
  const random = seededRandom(seed);
  const systems = [6000, 14_000, 300].map(
    (length, index) => `${prose(seededRandom(seed + index), length)}   \n\n\n\nEnd.`,
  );
  const choice = MODELS.filter(({ model }) => models === undefined || models.includes(model));
  const open: MixedRequest[] = [];
  return Array.from({ length: requests }, (_, number) => {
    const old = random.fraction() < 0.55 ? open[pick(random, open.length)] : undefined;
    const request: MixedRequest =
      old === undefined
        ? {
            ...(choice[pick(random, choice.length)] ?? MODELS[0]),
            isStream: random.fraction() < 0.5,
            system: systems[pick(random, systems.length)] ?? '',
            turns: [{ role: 'user', content: textOf(random, number) }],
          }
        : {
            ...old,
            isStream: random.fraction() < 0.5,
            turns:
              random.fraction() < 0.15
                ? old.turns
                : [
                    ...old.turns,
                    { role: 'assistant', content: 'Here it is.' },
                    { role: 'user', content: textOf(random, number) },
                  ],
          };
    if (old !== undefined) open.splice(open.indexOf(old), 1);
    open.push(request);
    return request;
  });
}

/** Sends one with the official client and reads it to its end. */
export async function sendMixed({ openai, anthropic }: MixClients, request: MixedRequest): Promise<void> {
  const { endpoint, model, isStream, system, turns } = request;
  if (endpoint === 'messages') {
    const body = { model, max_tokens: 16, system, messages: [...turns] };
    if (!isStream) await anthropic.messages.create(body);
    else await anthropic.messages.stream(body).finalMessage();
    return;
  }
  if (endpoint === 'responses') {
    const body = { model, max_output_tokens: 16, instructions: system, input: [...turns] };
    if (!isStream) await openai.responses.create(body);
    else for await (const event of await openai.responses.create({ ...body, stream: true })) void event;
    return;
  }
  const messages = [{ role: 'system' as const, content: system }, ...turns];
  const body = { model, max_completion_tokens: 16, messages };
  if (!isStream) await openai.chat.completions.create(body);
  else
    for await (const chunk of await openai.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    }))
      void chunk;
}

/** Prose, with a table of records in some. */
function textOf(random: Random, number: number): string {
  const text = `Question ${number}: ${prose(random, 200 + pick(random, 1500))}`;
  if (random.fraction() < 0.5) return text;
  const rows = Array.from({ length: 20 }, (_, row) => ({ row, number, total: row * number, note: `note ${row}` }));
  return `${text}\n\n\`\`\`json\n${JSON.stringify(rows, undefined, 4)}\n\`\`\`\n`;
}

function pick(random: Random, count: number): number {
  return Math.floor(random.fraction() * count);
}
