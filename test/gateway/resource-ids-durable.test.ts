import OpenAI, { toFile } from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/engine/system-ports.ts';
import { resourcesPath } from '../../src/stores/sqlite/data-files.ts';
import { openSqliteResourceRegistry } from '../../src/stores/sqlite/sqlite-resource-registry.ts';
import { PROJECT_KEYS, startTwoProjects } from '../support/two-projects.ts';

test('an id that a client has is on disk already, whichever call has made it', async () => {
  const stage = await startTwoProjects('openai');
  const client = new OpenAI({ apiKey: PROJECT_KEYS.a, baseURL: `${stage.gateway.url}/v1`, maxRetries: 0 });
  // Another connection sees only what is committed.
  const disk = await openSqliteResourceRegistry({ path: resourcesPath(stage.folder), clock: systemClock });
  onTestFinished(async () => {
    await disk.close();
    await stage.close();
  });
  const ownerOf = async (id: string): Promise<string | undefined> => (await disk.owners([id]))[0]?.project;

  const file = await client.files.create({ file: await toFile(Buffer.from('x'), 'x.txt'), purpose: 'user_data' });
  expect(await ownerOf(file.id)).toBe('a');
  const whole = await client.responses.create({ model: 'gpt-5.4-mini', input: 'whole' });
  expect(await Promise.all([whole.id, whole.output[0]?.id ?? ''].map(ownerOf))).toEqual(['a', 'a']);

  const seen: string[] = [];
  const stream = await client.responses.create({ model: 'gpt-5.4-mini', input: 'streamed', stream: true });
  for await (const event of stream) {
    const id = event.type === 'response.created' ? event.response.id : undefined;
    const itemId = event.type === 'response.output_item.added' ? event.item.id : undefined;
    for (const each of [id, itemId].filter((named) => named !== undefined)) {
      expect(await ownerOf(each)).toBe('a'); // oxlint-disable-line no-await-in-loop -- before the next event is read
      seen.push(each);
    }
  }
  expect(seen).toHaveLength(2);
});
