// Transactions that are committed together: one flush to the device serves all who wait for one.
import type { Transaction } from 'kysely';
import type { Executor } from './database.ts';
import type { Schema } from './schema.ts';

/** So many are one transaction at most: whoever waits for the connection meanwhile waits for all of them. */
const TOGETHER_MAX = 32;

/** One of them. */
interface Waiting {
  /** Answers how to tell the caller, once it is committed. */
  run(db: Transaction<Schema>): Promise<() => void>;
  reject(error: unknown): void;
}

/** Work that is asked for in one turn of the event loop, or while the connection is in use, becomes one transaction. Each caller is
 *  answered when that is committed, so nothing is acknowledged earlier than alone. */
export class SharedCommits {
  readonly #waiting: Waiting[] = [];
  readonly #hold: (work: (connection: Executor) => Promise<void>) => Promise<void>;

  /** `hold` lends the one connection for as long as the work takes. */
  constructor(hold: (work: (connection: Executor) => Promise<void>) => Promise<void>) {
    this.#hold = hold;
  }

  /** Does the work in a transaction and answers what it does. When one of a transaction fails, nothing has happened, and each is done by
   *  itself; so `work` must have no other effects. Rejects with its own error, or that of the transaction. */
  join<T>(work: (db: Transaction<Schema>) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const run = async (db: Transaction<Schema>) => {
        const answer = await work(db);
        return () => resolve(answer);
      };
      this.#waiting.push({ run, reject });
      if (this.#waiting.length === 1) setImmediate(() => void this.#commit());
    });
  }

  async #commit(): Promise<void> {
    let all: readonly Waiting[] = [];
    try {
      await this.#hold(async (connection) => {
        // Only now: more have come while others had the connection.
        all = this.#waiting.splice(0, TOGETHER_MAX);
        if (this.#waiting.length > 0) setImmediate(() => void this.#commit());
        if (all.length > 1 && (await commitTogether(connection, all))) return;
        for (const { run, reject } of all) {
          await connection
            .transaction()
            .execute(run)
            .then((done) => done(), reject);
        }
      });
    } catch (error) {
      for (const { reject } of all.length > 0 ? all : this.#waiting.splice(0)) reject(error);
    }
  }
}

/** False when one of them failed: nothing of any of them remains, and each is to be tried again where its error is its own. Rejects
 *  when the transaction itself could not be had, which would be no different for each alone. */
async function commitTogether(connection: Executor, all: readonly Waiting[]): Promise<boolean> {
  let failed = false;
  try {
    const answers = await connection.transaction().execute(async (db) => {
      const done: (() => void)[] = [];
      for (const { run } of all) {
        done.push(
          await run(db).catch((error) => {
            failed = true;
            throw error;
          }),
        );
      }
      return done;
    });
    for (const done of answers) done();
    return true;
  } catch (error) {
    if (failed) return false;
    throw error;
  }
}
