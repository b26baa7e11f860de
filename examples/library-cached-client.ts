// A cache in front of a client that is already there, and one for anything else that is dear to make.
import { CachedLLMClient, ResponseCache } from 'farthing';
import OpenAI from 'openai';

const hour = 3_600_000;
const cached = new CachedLLMClient({ client: new OpenAI(), scope: 'tenant-7', ttlMs: hour, vendor: 'openai' });
const messages = [{ role: 'user', content: 'What is a farthing?' }];

await Promise.all([1, 2].map(() => cached.complete('gpt-5.4-mini', messages, { temperature: 0 })));
const { fromCache, savedUsd } = await cached.complete('gpt-5.4-mini', messages, { temperature: 0 });
console.log(`from cache: ${fromCache}, saved $${savedUsd}`, cached.stats());

const cache = new ResponseCache<string>({ scope: 'tenant-7', ttlMs: hour, maxBytes: 10_000_000 });
await cache.set({ page: 1, language: 'en' }, 'a summary');
console.log(await cache.get({ language: 'en', page: 1 }), cache.stats());
