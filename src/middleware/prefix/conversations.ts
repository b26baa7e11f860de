import { GenerationalMap } from '../../core/generational-map.ts';
import { type PrefixUsage, type WarmPrefix, WarmPrefixes } from '../../core/prefix/warm-prefixes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { within } from '../within.ts';

/** How the last turn of a conversation was sent. @internal */
export interface SentTurn {
  /** Messages that the caller's request had. */
  readonly messages: number;
  /** Of these, from the first on, those whose texts went out as they came: an optimiser that began later leaves them so. */
  readonly verbatimMessages: number;
  /** Messages that were left out, by index. */
  readonly droppedMessages: readonly number[];
}

/** What is remembered of a conversation while it is warm. @internal */
export interface WarmConversation {
  readonly prefix: WarmPrefix;
  readonly turn: SentTurn;
}

/** What {@link Conversations} need. @internal */
export interface ConversationsOptions {
  readonly store: StateStore;
  /** Whether other processes write to the store. */
  readonly isShared: boolean;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Conversations whose last turn is remembered, some 300 bytes each. */
const MAX_CONVERSATIONS = 50_000;

/** What is older is asked for in the store once more, in milliseconds: most turns come later than this, so that a turn is one read. Ours. */
const FRESH_MS = 1000;

/** For how long a call waits for the store, in milliseconds. */
const READ_MS = 250;

/** Indexes that are kept in the store: what is longer is forgotten with the process. */
const MAX_STORED_INDEXES = 2000;

/**
 * Which conversations are warm at a provider, where, and how their beginning was sent: fed by what replies state. Other processes hear of it through
 * the store.
 * @internal
 */
export class Conversations {
  readonly #options: ConversationsOptions;
  readonly #warm = new WarmPrefixes(MAX_CONVERSATIONS);
  readonly #turns = new GenerationalMap<string, SentTurn>(MAX_CONVERSATIONS);
  /** When a conversation was last heard of here, from a reply or from the store. */
  readonly #heardMs = new GenerationalMap<string, number>(MAX_CONVERSATIONS);
  readonly #stored = new GenerationalMap<string, WarmConversation>(MAX_CONVERSATIONS);

  constructor(options: ConversationsOptions) {
    this.#options = options;
  }

  /** What this process knows. Undefined: it is cold, or nobody knows. */
  known(conversation: string): WarmConversation | undefined {
    const prefix = this.#warm.warm(conversation, this.#options.clock.nowMs());
    const turn = this.#turns.get(conversation);
    return prefix === undefined || turn === undefined ? undefined : { prefix, turn };
  }

  /** As `known`; asks the store where this process has not heard of the conversation for a moment: another one may have had its last turn. */
  async find(conversation: string): Promise<WarmConversation | undefined> {
    const known = this.known(conversation);
    const heardMs = this.#heardMs.get(conversation);
    if (heardMs !== undefined && (!this.#options.isShared || this.#options.clock.nowMs() - heardMs < FRESH_MS))
      return known;
    const stored = await this.#read(conversation);
    const nowMs = this.#options.clock.nowMs();
    this.#heardMs.set(conversation, nowMs);
    const latest = this.known(conversation);
    if (stored === undefined || stored.prefix.warmUntilMs <= (latest?.prefix.warmUntilMs ?? 0)) return latest;
    const { prefix, turn } = stored;
    const { cachedTokens, warmUntilMs, ...where } = prefix;
    const usage = { ...where, readTokens: cachedTokens, writtenTokens: 0, ttlMs: warmUntilMs - nowMs };
    if (warmUntilMs > nowMs) this.#warm.observe(conversation, usage, nowMs);
    this.#turns.set(conversation, turn);
    return this.known(conversation);
  }

  /** Takes in how a turn was sent and what its reply stated. */
  observe(conversation: string, usage: PrefixUsage, turn: SentTurn): void {
    const nowMs = this.#options.clock.nowMs();
    this.#heardMs.set(conversation, nowMs);
    this.#warm.observe(conversation, usage, nowMs);
    this.#turns.set(conversation, turn);
    const warm = this.known(conversation);
    if (warm !== undefined) this.#write(conversation, warm, nowMs);
  }

  async #read(conversation: string): Promise<WarmConversation | undefined> {
    try {
      const stored = await within(READ_MS, this.#options.store.read(keyOf(conversation)));
      return stored === undefined ? undefined : readWarm(JSON.parse(stored.value));
    } catch (error) {
      this.#options.events.emit({ kind: 'store-failed', store: 'states', operation: 'read', error });
      return undefined;
    }
  }

  /**
   * Written again only when half of what is stored of its life is over, since most turns come soon after another, or when what is held to was sent
   * otherwise than before.
   */
  #write(conversation: string, warm: WarmConversation, nowMs: number): void {
    const ttlMs = warm.prefix.warmUntilMs - nowMs;
    const stored = this.#stored.get(conversation);
    if (stored !== undefined && stored.prefix.warmUntilMs - nowMs > ttlMs / 2 && isSentAlike(stored, warm)) return;
    if (warm.turn.droppedMessages.length > MAX_STORED_INDEXES || ttlMs < 1) return;
    this.#stored.set(conversation, warm);
    this.#options.store.write(keyOf(conversation), JSON.stringify(warm), { ttlMs }).catch((error: unknown) => {
      this.#options.events.emit({ kind: 'store-failed', store: 'states', operation: 'write', error });
    });
  }
}

/** Whether another turn is held to the same. Cuts move forward only: the last message that goes tells them apart. */
function isSentAlike(
  { turn: one, prefix: from }: WarmConversation,
  { turn: other, prefix: to }: WarmConversation,
): boolean {
  return (
    one.verbatimMessages === other.verbatimMessages &&
    one.droppedMessages.length === other.droppedMessages.length &&
    one.droppedMessages.at(-1) === other.droppedMessages.at(-1) &&
    from.optimizerVersion === to.optimizerVersion &&
    from.target === to.target &&
    from.keyIndex === to.keyIndex
  );
}

/** @param conversation - a hash: no content is stored. */
function keyOf(conversation: string): string {
  return `prefix/v1/${conversation}`;
}

function readWarm(value: unknown): WarmConversation | undefined {
  if (typeof value !== 'object' || value === null || !('prefix' in value) || !('turn' in value)) return undefined;
  const { prefix, turn } = value as WarmConversation;
  const numbers = [prefix.cachedTokens, prefix.warmUntilMs, prefix.keyIndex, turn.messages, turn.verbatimMessages];
  const isSound =
    numbers.every((number) => Number.isFinite(number)) &&
    typeof prefix.target === 'string' &&
    typeof prefix.optimizerVersion === 'string' &&
    Array.isArray(turn.droppedMessages) &&
    turn.droppedMessages.every((index) => Number.isInteger(index));
  return isSound ? { prefix, turn } : undefined;
}
