import type { InputFault } from './input-items.ts';

/** More of them say nothing more. */
const MAX_LISTED = 20;

/** What is wrong with an input: the first faults in words, the others by number. @internal */
export class InputFaults {
  readonly #first: string[] = [];
  /** Small numbers in their order: some bytes each. */
  readonly #lines: number[] = [];

  note({ line, problem, customId }: Omit<InputFault, 'kind'>): void {
    if (this.#lines.length < MAX_LISTED) {
      this.#first.push(`line ${line}${customId === undefined ? '' : ` (${shortName(customId)})`}: ${problem}`);
    }
    this.#lines.push(line);
  }

  get count(): number {
    return this.#lines.length;
  }

  /** The lines at fault, in their order. */
  lines(): readonly number[] {
    return this.#lines;
  }

  /** A line each for the first faults, and how many there are besides. */
  text(): string {
    const more = this.count - this.#first.length;
    return [...this.#first, ...(more === 0 ? [] : [`and ${more} more`])].join('\n');
  }
}

const MAX_NAME_CHARS = 40;

/** A name for a person: never a new line in the terminal, never a page of it. */
function shortName(name: string): string {
  const quoted = JSON.stringify(name);
  return quoted.length <= MAX_NAME_CHARS ? quoted : `${quoted.slice(0, MAX_NAME_CHARS)}..."`;
}
