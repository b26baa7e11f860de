import type { BucketAmounts } from '../core/budget/account-state.ts';
import type { AccountId, Budget } from '../core/budget/budget.ts';

/** Money that budgets count beside the ledger's: a reset takes away what was used. Never changed once it is there. @public */
export interface BudgetAdjustment {
  /** Unique; the same id again does nothing. */
  readonly adjustmentId: string;
  readonly accountId: AccountId;
  readonly atMs: number;
  readonly amounts: BucketAmounts;
}

/** Something that every process must hear of: answers deleted from the cache. @public */
export interface Announcement {
  /** Grows from one to the next. */
  readonly sequence: number;
  readonly topic: string;
  readonly text: string;
}

/** Budgets that were set while gateways ran; they stand above those of the configuration. Durable. @public */
export interface BudgetBook {
  /** Budgets by name. */
  budgets(): Promise<readonly Budget[]>;
  /** Creates or replaces by name. */
  putBudget(budget: Budget): Promise<void>;
  /** Takes a stored budget away, so that the configuration's holds again. False when there was none. */
  removeBudget(name: string): Promise<boolean>;
  adjustments(): Promise<readonly BudgetAdjustment[]>;
  addAdjustment(adjustment: BudgetAdjustment): Promise<void>;
  /** A number that grows with every change of a budget and every adjustment, so that other processes notice. */
  budgetsVersion(): Promise<number>;
}

/** Tells all processes of a change. Kept for a day. @public */
export interface AnnouncementBoard {
  announce(topic: string, text: string): Promise<void>;
  /** What was announced after a sequence number, oldest first; at most 1,000. */
  announcementsAfter(sequence: number): Promise<readonly Announcement[]>;
  /** The newest sequence number; 0 when there is none. */
  newestAnnouncement(): Promise<number>;
}

/** What operators change while gateways run, for all processes. @public */
export interface ControlStore extends BudgetBook, AnnouncementBoard {
  close(): Promise<void>;
}
