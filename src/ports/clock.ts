/** Time as a port, so that tests own it. @public */
export interface Clock {
  /** Unix time in milliseconds, a whole number. */
  nowMs(): number;
  /** Monotonic milliseconds with fractions, for durations. */
  monotonicMs(): number;
}

/** Chance as a port, so that one seed is one run. @public */
export interface Random {
  /** `length` lower-case hex digits. */
  hex(length: number): string;
  /** A fraction in [0, 1). */
  fraction(): number;
}
