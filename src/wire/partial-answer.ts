import type { DecodedRequest } from './decoded-request.ts';
import { ChatProgress } from './partial-chat.ts';
import { MessagesProgress } from './partial-messages.ts';
import { ResponsesProgress } from './partial-responses.ts';
import type { ContinuationObstacle, PartialText } from './partial-text.ts';
import { eventsOf } from './replay-events.ts';
import type { ReplyFrame } from './reply-frame.ts';
import { isFilledList } from './reply-fields.ts';

type Progress = ChatProgress | MessagesProgress | ResponsesProgress;

/**
 * Keeps what a client has been sent of a stream, so that another target can go on in it when it breaks. It takes every frame that was relayed, also
 * those of a {@link ContinuedStream}, so that a stream can break more than once. Each frame is parsed, in time linear in its bytes.
 * @public
 */
export class PartialAnswer {
  readonly #progress: Progress;

  /** @throws RangeError for endpoints that do not stream (embeddings, count-tokens). */
  constructor(request: Pick<DecodedRequest, 'endpoint' | 'samples' | 'body'>) {
    this.#progress = progressOf(request.endpoint);
    if (request.samples > 1) this.#progress.progress.giveUp('several-choices');
    if (asksForLogprobs(request.body)) this.#progress.progress.giveUp('log-probabilities');
  }

  /** Takes the next frame that was relayed. Never throws. */
  take(frame: ReplyFrame): void {
    const { progress } = this.#progress;
    if (progress.obstacle !== undefined) return;
    if (frame.role === 'error') progress.giveUp('failed');
    const events = eventsOf(frame.bytes);
    if (events === undefined) progress.giveUp('unknown-event');
    else for (const event of events) this.#progress.take(event);
  }

  /** What the client has; undefined when nobody could go on in it without a lie, for the reason that {@link obstacle} gives. */
  partial(): PartialText | undefined {
    const partial = this.#state();
    return typeof partial === 'string' ? undefined : partial;
  }

  /** Why the stream cannot be continued as it stands; undefined when it can. */
  obstacle(): ContinuationObstacle | undefined {
    const partial = this.#state();
    return typeof partial === 'string' ? partial : undefined;
  }

  #state(): PartialText | ContinuationObstacle {
    return this.#progress.progress.obstacle ?? this.#progress.partial();
  }
}

function progressOf(endpoint: DecodedRequest['endpoint']): Progress {
  switch (endpoint) {
    case 'chat':
      return new ChatProgress();
    case 'messages':
      return new MessagesProgress();
    case 'responses':
      return new ResponsesProgress();
    case 'embeddings':
    case 'count-tokens':
      throw new RangeError(`${endpoint} replies are no streams`);
  }
}

function asksForLogprobs(body: DecodedRequest['body']): boolean {
  const { include } = body;
  if (body['logprobs'] === true || Number(body['top_logprobs'] ?? 0) > 0) return true;
  return isFilledList(include) && Array.isArray(include) && include.includes('message.output_text.logprobs');
}
