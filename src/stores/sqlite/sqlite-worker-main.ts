// The entry point of the worker thread behind `SqliteWriter`: one connection, one transaction a message.
import { parentPort, workerData } from 'node:worker_threads';
import { inTransaction, isLocked, openDatabase, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';
import type { FlatWrite, WorkerReply, WorkerRequest, WorkerSetup, WriteResult } from './sqlite-worker-messages.ts';

// A diagnostic report of the process holds the environment once for each thread, and with it the keys of providers.
process.report.excludeEnv = true;

const setup = workerData as WorkerSetup;

function faultOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function reply(message: WorkerReply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

function runWrite(statements: readonly SqliteStatement[], write: FlatWrite): number[] {
  const changes: number[] = [];
  for (let at = 0; at < write.length;) {
    const statement = statements[Number(write[at])];
    if (statement === undefined) throw new RangeError(`no statement ${String(write[at])}`);
    const end = at + 2 + Number(write[at + 1]);
    changes.push(statement.run(...write.slice(at + 2, end)));
    at = end;
  }
  return changes;
}

function runBatch(
  database: SqliteDatabase,
  statements: readonly SqliteStatement[],
  writes: readonly FlatWrite[],
): readonly WriteResult[] {
  try {
    return inTransaction(database, () => writes.map((write) => runWrite(statements, write)));
  } catch (error) {
    const fault = faultOf(error);
    // Somebody else has the file: waiting again for each would hold all of them up for minutes.
    if (writes.length === 1 || isLocked(fault)) return writes.map(() => ({ fault }));
    // One bad write must not fail its neighbours: each gets a transaction of its own.
    return writes.flatMap((write) => runBatch(database, statements, [write]));
  }
}

async function start(): Promise<void> {
  let database: SqliteDatabase;
  let statements: readonly SqliteStatement[];
  try {
    database = await openDatabase(setup.path, {
      pragmas: setup.pragmas,
      migrations: setup.migrations,
      ...(setup.driver === undefined ? {} : { driver: setup.driver }),
    });
    statements = setup.statements.map((sql) => database.prepare(sql));
  } catch (error) {
    reply({ kind: 'failed', fault: faultOf(error) });
    return;
  }
  parentPort?.on('message', (request: WorkerRequest) => {
    if (request !== undefined) {
      reply({ kind: 'written', results: runBatch(database, statements, request) });
      return;
    }
    database.close();
    reply({ kind: 'closed' });
    parentPort?.close();
  });
  reply({ kind: 'opened' });
}

await start();
