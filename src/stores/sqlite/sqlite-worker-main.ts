// The entry point of the thread behind `SqliteWriter`: a connection for each file, one transaction a message.
import { parentPort } from 'node:worker_threads';
import { inTransaction, isLocked, openDatabase, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';
import type { FlatWrite, WorkerReply, WorkerRequest, WorkerSetup, WriteResult } from './sqlite-worker-messages.ts';

// A diagnostic report of the process holds the environment once for each thread, and with it the keys of providers.
process.report.excludeEnv = true;

interface OpenFile {
  readonly database: SqliteDatabase;
  readonly statements: readonly SqliteStatement[];
}

const files = new Map<number, OpenFile>();

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

async function openFile(file: number, setup: WorkerSetup): Promise<void> {
  try {
    const database = await openDatabase(setup.path, {
      pragmas: setup.pragmas,
      migrations: setup.migrations,
      ...(setup.driver === undefined ? {} : { driver: setup.driver }),
    });
    files.set(file, { database, statements: setup.statements.map((sql) => database.prepare(sql)) });
    reply({ kind: 'opened', file });
  } catch (error) {
    reply({ kind: 'failed', file, fault: faultOf(error) });
  }
}

function closeFile(file: number, isLast: boolean): void {
  files.get(file)?.database.close();
  files.delete(file);
  reply({ kind: 'closed', file });
  if (isLast) parentPort?.close();
}

parentPort?.on('message', (request: WorkerRequest) => {
  const { file } = request;
  if (request.kind === 'open') void openFile(file, request.setup);
  else if (request.kind === 'close') closeFile(file, request.isLast);
  else {
    const open = files.get(file);
    const results = open === undefined ? [] : runBatch(open.database, open.statements, request.writes);
    reply({ kind: 'written', file, results });
  }
});
