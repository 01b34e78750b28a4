// A drawing process: takes jobs one after the other and answers each; it has no secrets, no network use and little memory.
import { Worker } from 'node:worker_threads';
import { draw } from './draw.ts';
import { examine } from './examine.ts';
import { type Job, MEMORY_BYTES_AIR, MEMORY_BYTES_MAX, type Outcome } from './job.ts';
import { openSource } from './source.ts';

/** Within the air that is left: to fill that in this time takes more than ten gigabytes a second. */
const LOOK_MS = 10;
/** Decoders may hold the main thread; this one sees the memory grow all the same and ends the process. */
const WATCHDOG = `
  setInterval(() => {
    if (process.memoryUsage.rss() > ${MEMORY_BYTES_MAX - MEMORY_BYTES_AIR}) process.kill(process.pid, 'SIGKILL');
  }, ${LOOK_MS});
`;
new Worker(WATCHDOG, { eval: true, execArgv: [] });

process.on('message', (job: Job) => {
  void work(job).then((outcome) => process.send?.(outcome));
});
// The time of a job is counted from here: how fast a program starts is not the picture's fault.
process.send?.('ready');
// Without the service nobody is left to answer.
process.on('disconnect', () => process.exit(0));

async function work(job: Job): Promise<Outcome> {
  let isOpen = false;
  try {
    if (job.kind === 'examine') return { ok: true, kind: 'examine', facts: await examine(job.path, job.mime) };
    const source = await openSource(job.path, job.mime, job.rendition);
    isOpen = true;
    return { ok: true, kind: 'render', ...(await draw(source, job.rendition)) };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).slice(0, 300);
    return { ok: false, readable: isOpen, reason };
  }
}
