import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Endpoint } from '../../core/model/protocol.ts';
import type { ReplyHead, ReplySink } from '../../ports/reply-sink.ts';
import { CallMadeIds, type MadeId } from '../../wire/made-ids.ts';
import { ClaimingSink } from './claiming-sink.ts';

/** Writes down what it gets, in order. */
class NotingSink implements ReplySink {
  readonly notes: string[] = [];
  mayGoOn = true;

  head({ status }: ReplyHead): void {
    this.notes.push(`head ${status}`);
  }
  write(chunk: Uint8Array): boolean {
    this.notes.push(Buffer.from(chunk).toString());
    return this.mayGoOn;
  }
  async drained(): Promise<void> {
    this.notes.push('drained');
  }
  end(trailers?: Readonly<Record<string, string>>): void {
    this.notes.push(`end ${JSON.stringify(trailers ?? {})}`);
  }
  abort(error: Error): void {
    this.notes.push(`abort ${error.message}`);
  }
}

/** A registry that answers when it is told to. */
class SlowRegistry {
  readonly asked: (readonly [ids: string, provider: string])[] = [];
  readonly #answers: (() => void)[] = [];

  readonly claim = (made: readonly MadeId[], provider: string): Promise<void> => {
    this.asked.push([made.map(({ id }) => id).join(), provider]);
    return new Promise((resolve) => this.#answers.push(resolve));
  };
  async answer(): Promise<void> {
    this.#answers.shift()?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

interface Stage {
  readonly sink: NotingSink;
  readonly registry: SlowRegistry;
  readonly claiming: ClaimingSink;
}

function stage(endpoint: Endpoint = 'responses'): Stage {
  const [sink, registry] = [new NotingSink(), new SlowRegistry()];
  return {
    sink,
    registry,
    claiming: new ClaimingSink({ sink, ids: new CallMadeIds(endpoint), claim: registry.claim }),
  };
}

function head(contentType: string, status = 200): ReplyHead {
  return { status, headers: { 'content-type': contentType, 'x-farthing-model': 'openai/gpt-5.4-mini' } };
}

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const CREATED = event({ type: 'response.created', response: { id: 'resp_1' } });
const DELTA = event({ type: 'response.output_text.delta', delta: 'a' });
const ADDED = event({ type: 'response.output_item.added', item: { id: 'msg_1', type: 'message' } });
const COMPLETED = event({
  type: 'response.completed',
  response: { id: 'resp_1', output: [{ id: 'msg_1', type: 'message' }] },
});

test('an event that names a new id waits until the id is registered, and all that follows waits behind it', async () => {
  const { sink, registry, claiming } = stage();
  claiming.head(head('text/event-stream'));
  expect(claiming.write(Buffer.from(CREATED))).toBe(false);
  claiming.write(Buffer.from(DELTA));
  expect(sink.notes).toEqual(['head 200']);
  expect(registry.asked).toEqual([['resp_1', 'openai']]);
  await registry.answer();
  expect(sink.notes).toEqual(['head 200', CREATED, DELTA]);
  expect(claiming.write(Buffer.from(DELTA))).toBe(true);
  claiming.write(Buffer.from(ADDED));
  claiming.write(Buffer.from(COMPLETED));
  claiming.end({ a: 'b' });
  expect(sink.notes).toEqual(['head 200', CREATED, DELTA, DELTA]);
  await registry.answer();
  await claiming.settled();
  expect(sink.notes.slice(4)).toEqual([ADDED, COMPLETED, 'end {"a":"b"}']);
  expect(registry.asked).toHaveLength(2);
});

test('a whole reply waits until what it names is registered', async () => {
  const { sink, registry, claiming } = stage();
  claiming.head(head('application/json; charset=utf-8'));
  const body = JSON.stringify({ id: 'resp_1', output: [{ id: 'msg_1', type: 'message' }] });
  claiming.write(Buffer.from(body.slice(0, 10)));
  claiming.write(Buffer.from(body.slice(10)));
  claiming.end();
  expect(sink.notes).toEqual([]);
  expect(registry.asked).toEqual([['resp_1,msg_1', 'openai']]);
  await registry.answer();
  await claiming.settled();
  expect(sink.notes).toEqual(['head 200', body.slice(0, 10), body.slice(10), 'end {}']);
});

test.each([
  ['an error', head('application/json', 404), '{"id":"resp_1"}'],
  ['a reply of another type', head('text/plain'), '{"id":"resp_1"}'],
  ['a reply of no provider', { status: 200, headers: { 'content-type': 'application/json' } }, '{"id":"resp_1"}'],
])('%s passes at once', (_name, headOf, body) => {
  const { sink, registry, claiming } = stage();
  claiming.head(headOf);
  claiming.write(Buffer.from(body));
  claiming.end();
  expect(sink.notes).toEqual([`head ${headOf.status}`, body, 'end {}']);
  expect(registry.asked).toEqual([]);
});

test('a message that makes nothing passes without a registration', async () => {
  const { sink, registry, claiming } = stage('messages');
  claiming.head(head('application/json'));
  claiming.write(Buffer.from('{"id":"msg_1","content":[]}'));
  claiming.end();
  expect(sink.notes).toEqual(['head 200', '{"id":"msg_1","content":[]}', 'end {}']);
  expect(registry.asked).toEqual([]);
});

test('a reply that is cut is cut behind what came before it', async () => {
  const { sink, registry, claiming } = stage();
  claiming.head(head('text/event-stream'));
  claiming.write(Buffer.from(CREATED));
  claiming.abort(new Error('gone'));
  await registry.answer();
  expect(sink.notes).toEqual(['head 200', CREATED, 'abort gone']);
});

test('a slow reader is waited for, and so is a slow registry', async () => {
  const { sink, registry, claiming } = stage();
  sink.mayGoOn = false;
  claiming.head(head('text/event-stream'));
  expect(claiming.write(Buffer.from(DELTA))).toBe(false);
  claiming.write(Buffer.from(CREATED));
  const drained = claiming.drained();
  expect(sink.notes).not.toContain('drained');
  await registry.answer();
  await drained;
  expect(sink.notes.at(-1)).toBe('drained');
});

test('what the sink throws while something waits is told at the end', async () => {
  const { sink, registry, claiming } = stage();
  sink.head = () => {
    throw new Error('no such header');
  };
  claiming.head(head('application/json'));
  claiming.write(Buffer.from('{"id":"resp_1"}'));
  claiming.end();
  await registry.answer();
  await expect(claiming.settled()).rejects.toThrow('no such header');
});

test('however a stream is cut into chunks and however late the registry answers, every byte arrives in order and no id before its registration', async () => {
  const text = CREATED + DELTA + ADDED + DELTA + COMPLETED;
  const cuts = fc.uniqueArray(fc.nat({ max: text.length }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, fc.array(fc.boolean(), { maxLength: 30 }), async (places, answers) => {
      const { sink, registry, claiming } = stage();
      const sent = (): string => sink.notes.slice(1).join('');
      const isSound = (): boolean =>
        ['resp_1', 'msg_1'].every((id) => !sent().includes(id) || answered.some((ids) => ids.includes(id)));
      const answered: string[] = [];
      const answer = async (): Promise<void> => {
        const [ids] = registry.asked[answered.length] ?? [];
        if (ids !== undefined) answered.push(ids);
        await registry.answer();
      };
      claiming.head(head('text/event-stream'));
      const ends = [...places, text.length].toSorted((left, right) => left - right);
      for (const [index, end] of ends.entries()) {
        claiming.write(Buffer.from(text.slice(ends[index - 1] ?? 0, end)));
        if (answers[index] === true) await answer(); // oxlint-disable-line no-await-in-loop -- step by step
        expect(isSound()).toBe(true);
      }
      claiming.end();
      while (answered.length < registry.asked.length) await answer(); // oxlint-disable-line no-await-in-loop
      await claiming.settled();
      expect(sent()).toBe(`${text}end {}`);
    }),
    { numRuns: 300 },
  );
});
