import type { Finish, ReplyError, ReplyFacts } from '../core/model/reply.ts';
import { objectOf, utf8Bytes } from './reply-fields.ts';
import { readUsage } from './read-usage.ts';
import type { StatedUsage, UsageFlavour } from './usage-flavour.ts';
import { type Fields, wordOf } from './usage-count.ts';

/**
 * What is known of a reply so far, gathered from a whole body or from the events of a stream. Keeps no text, only counts.
 * @internal
 */
export class ReplyTally {
  finish: Finish = 'unknown';
  ended = false;
  usedHostedTools = false;
  isEmpty = true;
  outputBytes = 0;
  error: ReplyError | undefined;
  readonly #flavour: UsageFlavour;
  #model: string | undefined;
  #id: string | undefined;
  #serviceTier: string | undefined;
  #rawUsage: Fields | undefined;
  #usageReply: Fields = {};
  /** Read when asked for: some providers state usage on every chunk. */
  #stated: StatedUsage | undefined;

  constructor(flavour: UsageFlavour) {
    this.#flavour = flavour;
  }

  /** Takes the model, id and service tier that a reply or event names. The first id stays, later models and tiers win. */
  name(reply: Fields): void {
    this.#model = wordOf(reply['model']) ?? this.#model;
    this.#id ??= wordOf(reply['id']);
    this.#serviceTier = wordOf(reply['service_tier']) ?? this.#serviceTier;
  }

  /** Counts a produced text; anything but a filled text counts nothing. */
  text(value: unknown): boolean {
    if (typeof value !== 'string' || value === '') return false;
    this.isEmpty = false;
    this.outputBytes += utf8Bytes(value);
    return true;
  }

  /** Counts a produced JSON value by its written length. */
  json(value: unknown): void {
    if (value !== undefined && value !== null) this.text(JSON.stringify(value));
  }

  /** Takes a usage object; a later one replaces it. `reply` is the body or event that it came with. */
  stateUsage(value: unknown, reply: Fields): void {
    const rawUsage = objectOf(value);
    if (rawUsage === undefined) return;
    this.#rawUsage = rawUsage;
    this.#usageReply = reply;
    this.#stated = undefined;
  }

  fail(error: ReplyError): void {
    this.error ??= error;
    this.finish = 'error';
  }

  facts(): ReplyFacts {
    const stated = this.#readUsage();
    return {
      ...(this.#model === undefined ? {} : { model: this.#model }),
      ...(this.#id === undefined ? {} : { id: this.#id }),
      ended: this.ended,
      finish: this.error === undefined ? this.finish : 'error',
      ...(stated === undefined ? {} : { usage: stated.usage }),
      terms: stated?.terms ?? (this.#serviceTier === undefined ? {} : { serviceTier: this.#serviceTier }),
      ...(this.error === undefined ? {} : { error: this.error }),
      usedHostedTools: this.usedHostedTools || (stated?.usage.webSearch ?? 0) > 0,
      isEmpty: this.isEmpty,
      outputBytes: this.outputBytes,
    };
  }

  #readUsage(): StatedUsage | undefined {
    if (this.#rawUsage === undefined) return undefined;
    // The tier may have been named by an earlier event than the one with the usage.
    const reply =
      this.#serviceTier === undefined ? this.#usageReply : { ...this.#usageReply, service_tier: this.#serviceTier };
    this.#stated ??= readUsage(this.#flavour, this.#rawUsage, reply);
    return this.#stated;
  }
}
