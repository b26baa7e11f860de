import type { Fields } from './usage-count.ts';

/** Why a broken stream cannot be continued. @public */
export type ContinuationObstacle =
  /** Nothing of the answer has been relayed: the next target's own stream can be sent as it is. */
  | 'not-started'
  /** The answer had ended (only its last event was missing), so there is nothing to ask for. */
  | 'finished'
  /** An error was relayed: the client holds the answer for failed. */
  | 'failed'
  /** More than one choice was asked for, or came. */
  | 'several-choices'
  /** Log probabilities were asked for: they are of one model, and of its tokens. */
  | 'log-probabilities'
  /** A call of one of the client's tools has begun. */
  | 'tool-call'
  /** A tool of the provider's own was used, or an item that is not known has come: the next target has not seen its result. */
  | 'hosted-tool'
  /** A refusal has begun. */
  | 'refusal'
  /** Audio or an image has come. */
  | 'media'
  /** A passage was cited, of documents that the next target may number otherwise. */
  | 'citations'
  /** Thoughts have begun and not ended, in a block that only its own model can sign. */
  | 'open-thinking'
  /** More text than is kept. */
  | 'too-long'
  /** An event that is not known, or that does not fit those before it. */
  | 'unknown-event';

interface PartialBase {
  /** The text that the client has. Empty: the question is asked anew, and only the opening of the first stream stays. */
  readonly text: string;
  /** Whether thoughts were relayed; the next target does not get to see them. */
  readonly hasThinking: boolean;
  /** Whether the text's block had been closed: the answer may have been whole but for what ends the stream. */
  readonly isTextClosed: boolean;
}

/** A broken chat completion stream. @public */
export interface ChatPartial extends PartialBase {
  readonly endpoint: 'chat';
  /** `id`, `created` and `model`, as far as they were stated. */
  readonly head: Fields;
  readonly hasRole: boolean;
  /** Whether content came as a list of parts, as Mistral's thoughts do. */
  readonly hasParts: boolean;
  readonly hasReasoningDetails: boolean;
}

/** A broken messages stream. @public */
export interface MessagesPartial extends PartialBase {
  readonly endpoint: 'messages';
  /** The text block that is open; undefined where none is. */
  readonly openIndex: number | undefined;
  /** The index of the next block. */
  readonly nextIndex: number;
}

/** A content part of a Responses message that is open. @public */
export interface OpenPart {
  readonly index: number;
  /** As it was added. */
  readonly fields: Fields;
  readonly text: string;
  /** Whether its text was closed: only the part's own end is missing. */
  readonly isTextDone: boolean;
}

/** A message item of a Responses stream that is open. @public */
export interface OpenItem {
  readonly index: number;
  /** As it was added. */
  readonly fields: Fields;
  /** The parts that are done. */
  readonly parts: readonly Fields[];
  readonly openPart: OpenPart | undefined;
}

/** A broken Responses stream. @public */
export interface ResponsesPartial extends PartialBase {
  readonly endpoint: 'responses';
  /** The response as its first event stated it. */
  readonly response: Fields;
  /** Undefined where events have no number. */
  readonly lastSequenceNumber: number | undefined;
  /** The items that are done, by their index. */
  readonly items: ReadonlyMap<number, Fields>;
  readonly nextIndex: number;
  readonly openItem: OpenItem | undefined;
}

/** What the client has of a broken stream, and what is needed to go on in it. @public */
export type PartialText = ChatPartial | MessagesPartial | ResponsesPartial;
