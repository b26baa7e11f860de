import type { SqliteDriver, SqlValue } from './sqlite-database.ts';

/** What the worker needs to open a file. @internal */
export interface WorkerSetup {
  readonly path: string;
  readonly pragmas: Readonly<Record<string, string | number>>;
  readonly migrations: readonly string[];
  /** The SQL of each statement; operations name them by position. */
  readonly statements: readonly string[];
  readonly driver: SqliteDriver | undefined;
}

/** The operations of one write, flat: statement position, count of parameters, the parameters, and so on. @internal */
export type FlatWrite = readonly SqlValue[];

/** To the worker, about one of its files: open it, run the writes of one transaction, close it and (as the last one) end. @internal */
export type WorkerRequest =
  | { readonly kind: 'open'; readonly file: number; readonly setup: WorkerSetup }
  | { readonly kind: 'write'; readonly file: number; readonly writes: readonly FlatWrite[] }
  | { readonly kind: 'close'; readonly file: number; readonly isLast: boolean };

/** How a write ended: the rows that each operation changed, or why it failed. @internal */
export type WriteResult = readonly number[] | { readonly fault: string };

/** From the worker, about one of its files: `opened` or `failed` once, then one `written` a batch, `closed` last. @internal */
export type WorkerReply =
  | { readonly kind: 'opened'; readonly file: number }
  | { readonly kind: 'failed'; readonly file: number; readonly fault: string }
  | { readonly kind: 'written'; readonly file: number; readonly results: readonly WriteResult[] }
  | { readonly kind: 'closed'; readonly file: number };
