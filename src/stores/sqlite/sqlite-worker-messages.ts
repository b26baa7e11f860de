import type { SqliteDriver, SqlValue } from './sqlite-database.ts';

/** What the worker needs to open its connection. @internal */
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

/** To the worker: the writes of one transaction, or `undefined` to close. @internal */
export type WorkerRequest = readonly FlatWrite[] | undefined;

/** How a write ended: the rows that each operation changed, or why it failed. @internal */
export type WriteResult = readonly number[] | { readonly fault: string };

/** From the worker: `opened` once, then one `written` a batch, `closed` last. @internal */
export type WorkerReply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly fault: string }
  | { readonly kind: 'written'; readonly results: readonly WriteResult[] }
  | { readonly kind: 'closed' };
