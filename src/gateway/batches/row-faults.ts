import { FarthingError } from '../../core/errors.ts';

/** Faults that are told in one message. Ours: a client mends its program, not each line. */
const TOLD_FAULTS = 10;

/** What is wrong with the rows of a batch, in the order in which it was found. @internal */
export class RowFaults {
  readonly #param: string;
  readonly #told: string[] = [];
  #count = 0;
  #first: FarthingError | undefined;

  /** @param param - What of the request holds the rows. */
  constructor(param: string) {
    this.#param = param;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(place: string, fault: string): void {
    this.addError(new FarthingError('invalid-request', `${place}: ${fault}`, { param: this.#param }));
  }

  addError(error: FarthingError): void {
    this.#first ??= error;
    this.#count += 1;
    if (this.#told.length < TOLD_FAULTS) this.#told.push(error.message);
  }

  /** @throws FarthingError as the first of them is, that names all of them, or as many as can be read */
  throwIfAny(): void {
    const first = this.#first;
    if (first === undefined) return;
    const more = this.#count - this.#told.length;
    const message = `${this.#told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
    throw new FarthingError(first.code, message, { status: first.status, param: this.#param });
  }
}
