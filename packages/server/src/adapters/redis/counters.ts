// Counters of charges in Valkey or Redis: one script is one atomic step, on the store's own clock, equal to the policy package's CounterModel.
import { createHash, randomUUID } from 'node:crypto';
import { type Admission, type Charge, counterGroup } from '@latchkey/policy';
import type { Cluster, Redis } from 'ioredis';
import { AppError } from '../../errors.ts';
import type { ActualCost, Counters } from '../../ports/counters.ts';
import type { Log } from '../../ports/system.ts';
import { openClient } from './client.ts';
import { RELEASE, RESERVE, SETTLE, SWEEP } from './reserve-script.ts';

/** How the counters are opened. */
export interface RedisCountersOptions {
  /** `store` (the default) counts on the clock of the store, so that the clocks of the nodes do not matter; `caller` believes the
   *  time that it is given, for tests that hold the clock. */
  readonly clock?: 'store' | 'caller';
  /** Begins every key, so that several deployments can share a store. */
  readonly prefix?: string;
  readonly log?: Log;
}

/** No call takes longer: a store that does not answer in time is one that cannot be asked. */
const CALL_MS_MAX = 2000;
const SCAN_COUNT = 500;
const GIVE_BACK_FIRST_MS = 200;
const GIVE_BACK_EVERY_MS = 5000;
/** A store that is gone for long leaves the rest to the ends of their holds. */
const DOUBTFUL_MAX = 10_000;

interface Script {
  readonly source: string;
  readonly sha: string;
}

const scriptOf = (source: string): Script => ({ source, sha: createHash('sha1').update(source).digest('hex') });
const SCRIPTS = {
  reserve: scriptOf(RESERVE),
  settle: scriptOf(SETTLE),
  release: scriptOf(RELEASE),
  sweep: scriptOf(SWEEP),
};

/**
 * Opens the counters behind `redis://`, `rediss://` (a single server or any nodes of a cluster, separated by commas) or
 * `redis-sentinel://host,host/name`. Resolves when the store has answered; raises COUNTERS_UNAVAILABLE when it does not in time,
 * TypeError for any other URL. A lost connection is made again by itself; until then every method is unavailable at once.
 */
export async function openRedisCounters(url: string, options: RedisCountersOptions = {}): Promise<Counters> {
  const client = await openClient(url, options.log);
  return new RedisCounters(client, options);
}

/*
 * All charges of one decision are on counters of one group, and the keys of a group have one hash tag: a reservation is one
 * script on one node of a cluster. The id of a reservation names its group, so that any node of ours can end it.
 */
class RedisCounters implements Counters {
  readonly #client: Redis | Cluster;
  readonly #onStoreClock: boolean;
  readonly #prefix: string;
  #isClosed = false;
  /** Reservations whose answer never came and that are still to be given back. */
  #doubtful = 0;

  constructor(client: Redis | Cluster, { clock = 'store', prefix = 'latchkey' }: RedisCountersOptions) {
    this.#client = client;
    this.#onStoreClock = clock === 'store';
    this.#prefix = `${prefix}:`;
  }

  async reserve(charges: readonly Charge[], nowMs: number, holdMs: number): Promise<Admission> {
    const groups = new Set(charges.map(({ counter }) => counterGroup(counter)));
    if (groups.size > 1) throw new TypeError('The charges of one decision are on counters of one group.');
    const [group = ''] = groups;
    const id = randomUUID();
    const args = charges.flatMap(({ counter, limit, windowMs, cost, costMin, expiresAtMs }) => [
      counter,
      limit,
      windowMs === 'lifetime' ? -1 : windowMs,
      cost,
      costMin ?? cost,
      // Told as a duration, which means the same on every clock.
      expiresAtMs - nowMs,
    ]);
    const answer = await this.#run(SCRIPTS.reserve, group, [this.#time(nowMs), holdMs, id, ...args]).catch((error) => {
      // What is settled from the start never returns by itself, so it is given back for as long as it would count.
      this.#giveBack(
        group,
        id,
        holdMs > 0 ? holdMs : Math.max(...charges.map(({ expiresAtMs }) => expiresAtMs - nowMs)),
      );
      throw error;
    });
    if (!Array.isArray(answer)) throw unexpected();
    const [outcome, ...rest] = answer.map(String);
    if (outcome === 'ok') {
      const held = new Map<string, number>();
      for (const [index, { counter }] of charges.entries()) {
        held.set(counter, (held.get(counter) ?? 0) + Number(rest[index]));
      }
      return { admitted: true, id: `${encodeURIComponent(group)}~${id}`, held };
    }
    const [number = 0, used = 0, wait = -1] = rest.map(Number);
    const charge = charges[number - 1];
    if (charge === undefined) throw unexpected();
    return { admitted: false, charge, used, ...(wait < 0 ? {} : { retryAfterMs: wait }) };
  }

  async settle(reservationId: string, actual: readonly ActualCost[]): Promise<void> {
    const { group, id } = parseReservation(reservationId);
    await this.#run(SCRIPTS.settle, group, ['', id, ...actual.flatMap(({ counter, cost }) => [counter, cost])]);
  }

  async release(reservationId: string): Promise<void> {
    const { group, id } = parseReservation(reservationId);
    await this.#run(SCRIPTS.release, group, ['', id]);
  }

  async sweep(nowMs: number): Promise<number> {
    let returned = 0;
    for (const group of await this.#groups()) {
      for (let isMore = true; isMore; ) {
        const answer = await this.#run(SCRIPTS.sweep, group, [this.#time(nowMs)]);
        if (!Array.isArray(answer)) throw unexpected();
        returned += Number(answer[0]);
        isMore = Number(answer[1]) === 1;
      }
    }
    return returned;
  }

  async check(): Promise<void> {
    // A cluster is asked through any of its nodes; each script names the one that it needs.
    await this.#ask(() => this.#client.ping(), CALL_MS_MAX);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.disconnect();
  }

  /** Nobody knows whether a reservation without an answer was made. If it was, it is not left to block its limit until its hold
   *  ends: it is given back as soon as the store answers again. */
  #giveBack(group: string, id: string, holdMs: number): void {
    if (this.#isClosed || this.#doubtful >= DOUBTFUL_MAX) return;
    this.#doubtful += 1;
    const untilMs = performance.now() + holdMs;
    const attempt = (waitMs: number) => {
      setTimeout(() => {
        this.#run(SCRIPTS.release, group, ['', id]).then(
          () => {
            this.#doubtful -= 1;
          },
          () => {
            if (this.#isClosed || performance.now() > untilMs) this.#doubtful -= 1;
            else attempt(Math.min(waitMs * 2, GIVE_BACK_EVERY_MS));
          },
        );
      }, waitMs).unref();
    };
    attempt(GIVE_BACK_FIRST_MS);
  }

  #time(nowMs: number): string {
    return this.#onStoreClock ? '' : String(nowMs);
  }

  #keysOf(group: string): string {
    // A hash tag may be neither empty nor hold a brace.
    return `${this.#prefix}{g${encodeURIComponent(group)}}:`;
  }

  /** Groups with reservations that are held, or settled and not yet forgotten. */
  async #groups(): Promise<ReadonlySet<string>> {
    const groups = new Set<string>();
    await this.#ask(async () => {
      const nodes = 'nodes' in this.#client ? this.#client.nodes('master') : [this.#client];
      for (const node of nodes) {
        for (const index of ['h', 's']) {
          let cursor = '0';
          do {
            const [next, keys] = await node.scan(cursor, 'MATCH', `${this.#prefix}{g*}:${index}`, 'COUNT', SCAN_COUNT);
            cursor = next;
            for (const key of keys) groups.add(decodeURIComponent(key.slice(this.#prefix.length + 2, -3)));
          } while (cursor !== '0');
        }
      }
    }, undefined);
    return groups;
  }

  #run({ source, sha }: Script, group: string, args: readonly (string | number)[]): Promise<unknown> {
    const key = this.#keysOf(group);
    return this.#ask(async () => {
      try {
        return await this.#client.evalsha(sha, 1, key, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return this.#client.eval(source, 1, key, ...args);
      }
    }, CALL_MS_MAX);
  }

  /** Every failure of the store is one answer: limits cannot be checked now. */
  async #ask<T>(work: () => Promise<T>, withinMs: number | undefined): Promise<T> {
    if (this.#isClosed) throw new AppError('COUNTERS_UNAVAILABLE', 'the counters are closed');
    let timer: NodeJS.Timeout | undefined;
    try {
      if (withinMs === undefined) return await work();
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs);
      });
      return await Promise.race([work(), late]);
    } catch (error) {
      if (error instanceof AppError) throw error;
      const detail = error instanceof Error ? error.message : String(error);
      throw new AppError('COUNTERS_UNAVAILABLE', detail, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

function parseReservation(reservationId: string): { readonly group: string; readonly id: string } {
  const at = reservationId.lastIndexOf('~');
  // What is no id of ours ends nothing.
  if (at < 0 || !/^[A-Za-z0-9_.!~*'()%-]*$/.test(reservationId)) return { group: '', id: 'none' };
  return { group: decodeURIComponent(reservationId.slice(0, at)), id: reservationId.slice(at + 1) };
}

function unexpected(): AppError {
  return new AppError('COUNTERS_UNAVAILABLE', 'the store of counters gave an answer that means nothing');
}
