import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answerOf,
  continued,
  framesOf,
  joinedBytes,
  partialOf,
  requestOf,
  STREAMING_ENDPOINTS,
  type StreamingEndpoint,
  textStream,
} from '../../test/support/continued-streams.ts';
import { expectOneStream, textOf, wholeOf } from '../../test/support/stream-rules.ts';
import type { ContinuationWay } from './continuation-way.ts';
import { ContinuedStream } from './continued-stream.ts';
import type { ReplyFrame } from './reply-frame.ts';

const STORY = 'A farthing was a quarter of a penny.\n\n  It bore a wren, the smallest bird \u{1F426} of the land.';

function pieces(text: string, size: number): readonly string[] {
  return text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
}

const USAGE: Readonly<Record<StreamingEndpoint, object>> = {
  chat: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  messages: { input_tokens: 'second'.length, output_tokens: 7 },
  responses: { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
};

describe.each(STREAMING_ENDPOINTS)('%s', (endpoint) => {
  test('a stream broken behind any frame goes on as one stream with the text once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom<ContinuationWay>('prefill', 'instruct'),
        fc.nat(40),
        (size, secondSize, way, repeated) => {
          const first = framesOf(endpoint, textStream(endpoint, 'a', pieces(STORY, size)));
          for (let border = 1; border < first.length; border += 1) {
            const relayed = first.slice(0, border);
            const partial = partialOf(endpoint, relayed);
            if (partial === undefined) {
              expect(answerOf(requestOf(endpoint), relayed).obstacle()).toBe('finished');
              continue;
            }
            const seen = partial.text.trimEnd();
            const again = way === 'instruct' && repeated >= 12 ? seen.slice(-repeated) : '';
            const sent =
              (again.trimStart().length < 12 ? '' : again) +
              STORY.slice(seen.length) +
              (partial.isTextClosed ? ' So.' : '');
            const second = framesOf(endpoint, textStream(endpoint, 'second', pieces(sent, secondSize)));
            const all = continued(endpoint, relayed, second, way) ?? [];
            expectOneStream(endpoint, all);
            const whole = wholeOf(endpoint, all);
            expect(textOf(endpoint, whole)).toBe(STORY + (partial.isTextClosed ? ' So.' : ''));
            expect(whole).toMatchObject({
              id: expect.stringMatching(/_a$|-a$/),
              model: 'model-a',
              usage: USAGE[endpoint],
            });
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  test('a stream may break again and again', () => {
    const words = pieces(STORY, 4);
    let relayed: readonly ReplyFrame[] = framesOf(endpoint, textStream(endpoint, 'a', words)).slice(0, 8);
    for (const name of ['b', 'c', 'd']) {
      const text = partialOf(endpoint, relayed)?.text ?? '';
      const second = framesOf(endpoint, textStream(endpoint, name, pieces(STORY.slice(text.trimEnd().length), 3)));
      relayed = continued(endpoint, relayed, name === 'd' ? second : second.slice(0, 9)) ?? [];
    }
    expectOneStream(endpoint, relayed);
    expect(textOf(endpoint, wholeOf(endpoint, relayed))).toBe(STORY);
  });

  test('the text that a repetition held back comes before the end of its block', () => {
    const first = framesOf(endpoint, textStream(endpoint, 'a', ['The quick brown fox jumps'])).slice(0, -3);
    const whole = wholeOf(
      endpoint,
      continued(
        endpoint,
        first.filter(
          (frame) => !/done|finish_reason":"|block_stop|"usage":\{"p/.test(new TextDecoder().decode(frame.bytes)),
        ),
        framesOf(endpoint, textStream(endpoint, 'b', ['brown fox'])),
        'instruct',
      ) ?? [],
    );
    expect(textOf(endpoint, whole)).toBe('The quick brown fox jumpsbrown fox');
  });

  test('comments and errors pass as they are', () => {
    const partial = partialOf(endpoint, framesOf(endpoint, textStream(endpoint, 'a', ['Hi'])).slice(0, 2));
    if (partial === undefined) throw new Error('not continuable');
    const frames = framesOf(endpoint, ': wait\n\nevent: error\ndata: {"type":"error","error":{"message":"Busy"}}\n\n');
    expect(new ContinuedStream(partial, 'prefill').take(frames)).toEqual(frames);
  });

  test('nothing that is relayed waits for what follows it', () => {
    const opening = framesOf(endpoint, textStream(endpoint, 'b', ['Hi'])).map(
      ({ bytes }) => ({ bytes, role: 'opening' }) as const,
    );
    const first = framesOf(endpoint, textStream(endpoint, 'a', ['Hi'])).slice(0, 2);
    const roles = continued(endpoint, first, opening)
      ?.slice(2)
      .map(({ role }) => role);
    expect(roles).not.toContain('opening');
  });

  test('numbers past 2^53 stay as they were written', () => {
    const first = framesOf(endpoint, textStream(endpoint, 'a', ['Hi', ' you'])).slice(0, 2);
    const second = textStream(endpoint, 'b', [' there']).replaceAll(
      'output_tokens":7',
      'output_tokens":9007199254740993',
    );
    const third = second.replaceAll('completion_tokens":7', 'completion_tokens":9007199254740993');
    const bytes = joinedBytes(continued(endpoint, first, framesOf(endpoint, third)) ?? []);
    expect(new TextDecoder().decode(bytes)).toContain('9007199254740993');
  });
});
