import type { Random } from '../../src/ports/clock.ts';
import type { ReplyHead, ReplySink } from '../../src/ports/reply-sink.ts';

/** A client that reads at moods and notes every breach of the sink's protocol. */
export class StrictSink implements ReplySink {
  readonly faults: string[] = [];
  gotHead: ReplyHead | undefined;
  ending: 'open' | 'ended' | 'aborted' = 'open';
  readonly #chunks: Uint8Array[] = [];
  readonly #random: Random;
  readonly #slowness: number;

  /** `slowness` is the share of writes after which the reader is behind for a moment. */
  constructor(random: Random, slowness: number) {
    this.#random = random;
    this.#slowness = slowness;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  head(head: ReplyHead): void {
    if (this.gotHead !== undefined) this.faults.push('a second head');
    if (this.ending !== 'open') this.faults.push('a head behind the end');
    this.gotHead = head;
  }

  write(chunk: Uint8Array): boolean {
    if (this.gotHead === undefined) this.faults.push('a chunk before the head');
    if (this.ending !== 'open') this.faults.push('a chunk behind the end');
    this.#chunks.push(chunk);
    return this.#random.fraction() >= this.#slowness;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => void setTimeout(resolve, this.#random.fraction() * 5));
  }

  end(): void {
    this.#finish('ended');
  }

  abort(): void {
    this.#finish('aborted');
  }

  #finish(ending: 'ended' | 'aborted'): void {
    if (this.gotHead === undefined) this.faults.push('an end before the head');
    if (this.ending !== 'open') this.faults.push('a second end');
    this.ending = ending;
  }
}
