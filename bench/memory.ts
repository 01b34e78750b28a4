// How much memory do 20 uploads of 256 MiB at once take at their peak, beside the idle server?
import { readFile, writeFile } from 'node:fs/promises';
import { MIB, sendForm, sendRaw } from './support/bulk.ts';
import { withPair } from './support/pair.ts';
import { figure, ratio, report } from './support/report.ts';

const SIZE = 256 * MIB;
const PARALLEL = 20;

/** A line of the kernel's account of a process, in MiB (Linux: proc(5)). */
async function account(pid: number, name: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  return Number(kibibytes) / 1024;
}

await withPair(async ({ ours, server: { pid } }) => {
  const holder = await ours.holder({ permissions: ['FILE_UPLOAD'] });
  const headers = { 'x-filerobot-key': holder.key, 'x-forwarded-for': holder.ask.from ?? '' };
  const base = `${ours.baseUrl}/${ours.container}/v4`;
  const idle = await account(pid, 'VmRSS');
  const rows = [['idle', figure(idle), '', '']];
  for (const [name, upload] of [
    ['raw body', (n: number) => sendRaw(`${base}/upload?folder=%2Fbench&filename=${n}.bin`, SIZE, headers)],
    ['multipart form', (n: number) => sendForm(`${base}/files?folder=%2Fbench%2F${n}`, SIZE, headers)],
  ] as const) {
    // 5 resets the high-water mark to what is resident now.
    await writeFile(`/proc/${pid}/clear_refs`, '5');
    const began = performance.now();
    await Promise.all(Array.from({ length: PARALLEL }, (_, n) => upload(n)));
    const seconds = (performance.now() - began) / 1000;
    const peak = await account(pid, 'VmHWM');
    rows.push([name, figure(peak), ratio(peak, idle), figure((PARALLEL * SIZE) / MIB / seconds)]);
  }
  await report(import.meta.url, { head: ['20 uploads at once', 'peak MiB', 'of idle', 'MiB/s together'], rows });
});
