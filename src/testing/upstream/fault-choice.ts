import type { Random } from '../../ports/clock.ts';
import { FaultScript } from '../../simulator/scripted-fault.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import type { FaultShare, UpstreamFault } from './upstream-fault.ts';

/** Which request shows which fault: an outage first, then the script, then what the prompt asks for, then the mix. @internal */
export class FaultChoice {
  readonly #script = new FaultScript<UpstreamFault | undefined>();
  readonly #mix: readonly FaultShare[];
  readonly #random: Random;
  readonly #ofPrompt: (prompt: string) => UpstreamFault | undefined;
  #outage: UpstreamFault | undefined;

  /** @throws RangeError when the shares together are more than the whole. */
  constructor(
    mix: readonly FaultShare[],
    seed: number,
    ofPrompt: (prompt: string) => UpstreamFault | undefined = () => undefined,
  ) {
    const sum = mix.reduce((total, { ratio }) => total + ratio, 0);
    if (mix.some(({ ratio }) => ratio < 0) || sum > 1 + Number.EPSILON * mix.length) {
      throw new RangeError('the shares of faults are 0 to 1 together');
    }
    this.#mix = mix;
    this.#ofPrompt = ofPrompt;
    this.#random = seededRandom(seed);
  }

  script(fault: UpstreamFault | undefined, count: number): void {
    this.#script.add(fault, count);
  }

  setDown(fault: UpstreamFault | undefined): void {
    this.#outage = fault;
  }

  /** The fault of the request that is at hand. */
  take(prompt: string): UpstreamFault | undefined {
    if (this.#outage !== undefined) return this.#outage;
    if (!this.#script.isEmpty()) return this.#script.take();
    return this.#ofPrompt(prompt) ?? this.#draw();
  }

  #draw(): UpstreamFault | undefined {
    let left = this.#mix.length === 0 ? 1 : this.#random.fraction();
    for (const { fault, ratio } of this.#mix) {
      if (left < ratio) return fault;
      left -= ratio;
    }
    return undefined;
  }
}
