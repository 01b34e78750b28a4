// Drawing processes: few, watched, killed when they take too long, and replaced. What is asked waits in a bounded queue.
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../errors.ts';
import type { Job, Outcome } from './job.ts';
import { Turns } from './turns.ts';

/** How the pool is bounded. */
export interface PoolOptions {
  /** Processes at once. */
  readonly workers: number;
  /** Jobs that may wait; one more is refused. */
  readonly queueMax: number;
  /** Jobs of one asker that may wait; one more is refused. */
  readonly askerMax: number;
  /** A job that has waited this long is refused. */
  readonly waitMs: number;
  /** A process without work ends after this. */
  readonly idleMs: number;
  /** A process is replaced after so many jobs, so that nothing that leaks in it grows for ever. */
  readonly jobsMax: number;
  /** An address beside the program of the processes, which lies beside this module otherwise. */
  readonly programsUrl?: string;
}

export const POOL_DEFAULTS: Omit<PoolOptions, 'workers'> = {
  queueMax: 2048,
  askerMax: 256,
  // A page of two hundred new pictures takes its time where one process draws; a browser waits longer than this.
  waitMs: 120_000,
  idleMs: 30_000,
  jobsMax: 500,
};

/** Where a job stands in the queue: what somebody looks at comes before what nobody waits for. */
export type Urgency = 'now' | 'later';

interface Waiting {
  /** Runs in a place of the pool and leaves it when it settles. */
  start(place: Place): Promise<void>;
  refuse(error: AppError): void;
  readonly timer: NodeJS.Timeout;
}

/** One place in the pool: a process that is started when it is first needed. */
export interface Place {
  /** Runs one job; whatever happens, it is over after `timeoutMs`. Raises IMAGE_UNREADABLE when the process died of it. */
  run(job: Job, timeoutMs: number): Promise<Outcome>;
}

/** A pool of drawing processes. */
export interface Pool {
  /** Gives `work` a place as soon as one is free and it is the asker's turn. Raises IMAGES_BUSY, and REQUEST_RATE_LIMITED when too
   *  much of this asker waits already. */
  with<T>(urgency: Urgency, asker: string, work: (place: Place) => Promise<T>): Promise<T>;
  /** Places that work now, and jobs that wait for one. */
  load(): { readonly busy: number; readonly waiting: Readonly<Record<Urgency, number>> };
  /** Process ids that run now. */
  pids(): readonly number[];
  close(): Promise<void>;
}

/** Opens a pool; no process is started yet. */
export function openPool(options: PoolOptions): Pool {
  const queues: Readonly<Record<Urgency, Turns<Waiting>>> = { now: new Turns(), later: new Turns() };
  const places = Array.from({ length: options.workers }, () => new ProcessPlace(options));
  const free: ProcessPlace[] = [...places];
  let closed = false;

  const next = () => {
    // The last one freed is warm; processes that are not needed get to end.
    const place = free.at(-1);
    const waiting = place && (queues.now.shift() ?? queues.later.shift());
    if (place === undefined || waiting === undefined) return;
    free.pop();
    clearTimeout(waiting.timer);
    void waiting.start(place).finally(() => {
      free.push(place);
      next();
    });
  };

  return {
    with<T>(urgency: Urgency, asker: string, work: (place: Place) => Promise<T>): Promise<T> {
      if (closed) return Promise.reject(new AppError('IMAGES_BUSY', 'closed'));
      const queue = queues[urgency];
      if (queue.length >= options.queueMax) return Promise.reject(new AppError('IMAGES_BUSY', 'the queue is full'));
      if (urgency === 'now' && queue.lengthOf(asker) >= options.askerMax) return Promise.reject(tooMuchAtOnce(options));
      return new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => {
          queue.remove(asker, waiting);
          reject(new AppError('IMAGES_BUSY', 'waited too long'));
        }, options.waitMs);
        const waiting: Waiting = {
          timer,
          start: (place) => work(place).then(resolve, reject),
          refuse: reject,
        };
        queue.push(asker, waiting);
        next();
      });
    },
    load: () => ({
      busy: places.length - free.length,
      waiting: { now: queues.now.length, later: queues.later.length },
    }),
    pids: () => places.flatMap((place) => place.pid ?? []),
    async close() {
      closed = true;
      for (const waiting of [...queues.now.drain(), ...queues.later.drain()]) {
        clearTimeout(waiting.timer);
        waiting.refuse(new AppError('IMAGES_BUSY', 'closed'));
      }
      await Promise.all(places.map((place) => place.close()));
    },
  };
}

function tooMuchAtOnce({ askerMax }: PoolOptions): AppError {
  return new AppError('REQUEST_RATE_LIMITED', 'drawings at a time', {
    hint: 'Wait for the pictures that are being drawn for this address.',
    rule: 'drawings',
    limit: askerMax,
  });
}

/** From sources (tests, development) the entry is TypeScript, which needs its loader. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const WORKER = IS_SOURCE ? 'worker.ts' : 'worker.js';
const NICENESS = 10;

class ProcessPlace implements Place {
  readonly #options: PoolOptions;
  #child: ChildProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  #jobs = 0;
  #idle: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async run(job: Job, timeoutMs: number): Promise<Outcome> {
    if (this.#isClosed) throw new AppError('IMAGES_BUSY', 'closed');
    clearTimeout(this.#idle);
    const child = this.#child ?? this.#start();
    this.#jobs += 1;
    try {
      await this.#ready;
      return await ask(child, job, timeoutMs);
    } finally {
      if (this.#jobs >= this.#options.jobsMax) this.#end();
      this.#idle = setTimeout(() => this.#end(), this.#options.idleMs);
      this.#idle.unref();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    this.#end();
    await gone;
  }

  /** Nothing of this process's environment gets there: a drawing process has no secret to lose. */
  #start(): ChildProcess {
    // Where everything is joined into one file, this one's own address is that file's.
    const entry = fileURLToPath(new URL(WORKER, this.#options.programsUrl ?? import.meta.url));
    const child = fork(entry, [], {
      execArgv: ['--max-old-space-size=256', ...(IS_SOURCE ? ['--conditions=source', '--import', 'tsx'] : [])],
      env: { MALLOC_ARENA_MAX: '2', NO_COLOR: '1' },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    this.#ready = started(child);
    this.#jobs = 0;
    child.on('error', () => {}); // It is asked or killed: `ask` learns of it.
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined;
    });
    child.unref();
    child.channel?.unref();
    try {
      // The API comes first, however much is drawn.
      if (child.pid !== undefined) setPriority(child.pid, NICENESS);
    } catch {
      // It runs as it is: not every system lets one give way.
    }
    return child;
  }

  #end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

const START_MS = 30_000;

/** Resolves when the process takes jobs. Raises IMAGES_BUSY when it does not get that far. */
function started(child: ChildProcess): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const settle = (settled: () => void) => () => {
      clearTimeout(timer);
      child.off('message', ready).off('exit', failed).off('error', failed);
      settled();
    };
    const ready = settle(resolve);
    const failed = settle(() => {
      child.kill('SIGKILL');
      reject(new AppError('IMAGES_BUSY', 'no process could be started'));
    });
    const timer = setTimeout(failed, START_MS);
    child.once('message', ready).once('exit', failed).once('error', failed);
  });
}

/** A job that outlives its time takes its process with it. */
function ask(child: ChildProcess, job: Job, timeoutMs: number): Promise<Outcome> {
  return new Promise<Outcome>((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      child.off('message', answered).off('exit', died).off('error', failed);
    };
    const answered = (outcome: unknown) => {
      settle();
      resolve(outcome as Outcome); // The process is our own program; what it draws never writes to this channel.
    };
    const died = () => {
      settle();
      reject(new AppError('IMAGE_UNREADABLE', late ? `took longer than ${timeoutMs} ms` : 'its process ended'));
    };
    const failed = (error: Error) => {
      settle();
      child.kill('SIGKILL');
      reject(new AppError('IMAGES_BUSY', 'no process could be started', { cause: error }));
    };
    child.once('message', answered).once('exit', died).once('error', failed);
    if (child.exitCode !== null || child.signalCode !== null) {
      died();
      return;
    }
    child.send(job, (error) => {
      if (error !== null) failed(error);
    });
  });
}
