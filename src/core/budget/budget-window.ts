import type { BudgetWindow } from './budget.ts';

/** Where a moment stands in a window. @public */
export interface WindowPosition {
  /**
   * Number of the bucket that money spent at this moment goes into: for a calendar window its beginning in Unix milliseconds, for a
   * rolling one the count of its sixtieths since 1970, 0 for a total.
   */
  readonly bucket: number;
  /** First bucket that counts at this moment. */
  readonly floorBucket: number;
  /** When the window ends, Unix milliseconds; undefined for rolling windows and totals. */
  readonly endsAtMs: number | undefined;
}

export declare function windowPosition(window: BudgetWindow, timezone: string, atMs: number): WindowPosition;
