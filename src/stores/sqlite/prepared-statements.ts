import type { SqliteDatabase, SqliteStatement } from './sqlite-database.ts';

/** The statements of one connection, each prepared once, when it is first used. @internal */
export class PreparedStatements {
  readonly #database: Pick<SqliteDatabase, 'prepare'>;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: Pick<SqliteDatabase, 'prepare'>) {
    this.#database = database;
  }

  of(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
