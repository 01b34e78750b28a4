// Statements that every request needs, built once: building one costs more than running it.
import { CompiledQuery } from 'kysely';
import type { Executor } from './database.ts';

/** How a statement is built, with values of its own that stand for those of a call. */
type Builder<Row> = (db: Executor, ...values: string[]) => { compile(): CompiledQuery<Row> };

interface Built {
  readonly sql: string;
  /** For each parameter its place among the values of a call, or what it always is. */
  readonly parameters: readonly ({ readonly at: number } | { readonly fixed: unknown })[];
}

/** The statement with `count` text values, built when it is first needed in a dialect. Runs it and answers its rows. */
export function prepared<Row>(count: number, build: Builder<Row>) {
  // One adapter belongs to a database and all its transactions.
  const known = new WeakMap<object, Built>();
  return async (db: Executor, ...values: readonly string[]): Promise<readonly Row[]> => {
    if (values.length !== count) throw new TypeError(`the statement has ${count} values, not ${values.length}`);
    const { adapter } = db.getExecutor();
    const built = known.get(adapter) ?? buildOnce(db, count, build);
    known.set(adapter, built);
    const parameters = built.parameters.map((parameter) =>
      'at' in parameter ? values[parameter.at] : parameter.fixed,
    );
    return (await db.executeQuery<Row>(CompiledQuery.raw(built.sql, parameters))).rows;
  };
}

function buildOnce<Row>(db: Executor, count: number, build: Builder<Row>): Built {
  const marks = Array.from({ length: count }, (_, at) => `value ${at} of a call`);
  const { sql, parameters } = build(db, ...marks).compile();
  return {
    sql,
    parameters: parameters.map((parameter) => {
      const at = typeof parameter === 'string' ? marks.indexOf(parameter) : -1;
      return at < 0 ? { fixed: parameter } : { at };
    }),
  };
}
