import { FarthingError } from '../../core/errors.ts';

/** Attempts of one call that run side by side: the first to have something to show wins, the others are called off. @internal */
export class Race {
  readonly #lanes: Lane[] = [];
  #winner: Lane | undefined;
  #onDecided: () => void = () => undefined;
  /** Resolves when one has won. */
  readonly decided: Promise<void> = new Promise((resolve) => {
    this.#onDecided = resolve;
  });

  get winner(): Lane | undefined {
    return this.#winner;
  }

  /** A lane for one attempt, which ends with the call's signal too. */
  lane(callSignal: AbortSignal): Lane {
    const lane = new Lane(this, callSignal);
    this.#lanes.push(lane);
    return lane;
  }

  /** Whether this lane has won, now or before. */
  claim(lane: Lane): boolean {
    if (this.#winner === undefined) {
      this.#winner = lane;
      this.#onDecided();
      for (const other of this.#lanes) if (other !== lane) other.callOff();
    }
    return this.#winner === lane;
  }
}

/** The place of one attempt in a race. @internal */
export class Lane {
  readonly #race: Race;
  readonly #calledOff = new AbortController();
  readonly signal: AbortSignal;

  constructor(race: Race, callSignal: AbortSignal) {
    this.#race = race;
    this.signal = AbortSignal.any([callSignal, this.#calledOff.signal]);
  }

  /** Whether another attempt has won. */
  get isDropped(): boolean {
    return this.#race.winner !== undefined && this.#race.winner !== this;
  }

  claim(): boolean {
    return this.#race.claim(this);
  }

  callOff(): void {
    this.#calledOff.abort(new FarthingError('attempt-dropped', 'another attempt of the call was faster'));
  }
}

/** What an attempt asks of its place; one that runs alone always wins. @internal */
export type AttemptLane = Pick<Lane, 'signal' | 'isDropped' | 'claim'>;

/** The place of an attempt that runs alone. @internal */
export function onlyLane(signal: AbortSignal): AttemptLane {
  return { signal, isDropped: false, claim: () => true };
}
