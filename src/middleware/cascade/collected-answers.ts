import type { Endpoint } from '../../core/model/protocol.ts';
import type { AnswerView } from '../../core/verify/answer-view.ts';
import { answerViews } from '../../wire/answer-view.ts';
import { wholeFromStream } from '../../wire/replay-whole-from-stream.ts';
import type { ReplyCollector } from './reply-collector.ts';

const decoder = new TextDecoder();

/** The answers of a reply, one for each choice; undefined where it holds none that can be read. @internal */
export function collectedAnswers(endpoint: Endpoint, collected: ReplyCollector): readonly AnswerView[] | undefined {
  const body = collected.body();
  const whole = collected.form === 'stream' ? wholeFromStream(endpoint, body) : body;
  if (whole === undefined) return undefined;
  const reply = parsed(whole);
  const views = reply === undefined ? [] : answerViews(endpoint, reply);
  return views.length === 0 ? undefined : views;
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined; // not JSON: nobody can say what it answers
  }
}
