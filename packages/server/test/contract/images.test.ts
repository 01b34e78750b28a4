// Runs the images contract on the adapter, with the store in a folder and behind a network, and what only processes can get wrong.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type ImagesStore, imagesContract } from '../../contract/images.ts';
import { hostilePictures, png, svg } from '../../contract/pictures.ts';
import { openDiskBlobs } from '../../src/adapters/disk/blobs.ts';
import { findFfmpeg } from '../../src/adapters/images/ffmpeg.ts';
import { type ImagesOptions, openImages } from '../../src/adapters/images/images.ts';
import { MEMORY_BYTES_AIR, MEMORY_BYTES_MAX } from '../../src/adapters/images/job.ts';
import { openMedia } from '../../src/adapters/media/media.ts';
import { AppError } from '../../src/errors.ts';

const TIMEOUT_MS = 5_000;
/** A start of a process, two waits of it, and the slowness of a shared machine. */
const LIMIT_MS = 20_000;

let folder: string;
let blobs: Awaited<ReturnType<typeof openDiskBlobs>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-images-'));
  blobs = await openDiskBlobs(join(folder, 'blobs'), { random: randomBytes });
});
afterAll(async () => {
  await blobs.close();
  await rm(folder, { recursive: true, force: true });
});

const put: ImagesStore['put'] = async (bytes, mime) => {
  const { blobId, sizeBytes } = await blobs.write(Readable.from([Buffer.from(bytes)]), { sizeMaxBytes: 1e9 });
  return { blobId, sizeBytes, mime };
};

const programs = await findFfmpeg();
const open = (options: Partial<ImagesOptions> = {}) =>
  openImages({ blobs, folder: join(folder, 'work'), workers: 1, programs, timeoutMs: TIMEOUT_MS, ...options });

describe.each([
  ['in a folder', () => ({ blobs })],
  ['elsewhere', () => ({ blobs: { read: blobs.read.bind(blobs) } })],
])('the images contract, bytes %s', (_, options) => {
  let images: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    images = await open(options());
  });
  afterAll(() => images.close());

  test.each(imagesContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (__, { run }) => {
      await run(async () => ({ images, put, limitMs: LIMIT_MS }));
      expect(await readdir(join(folder, 'work'))).toEqual([]);
    },
  );
});

const PLAIN = {
  width: 10,
  height: undefined,
  fitting: 'bound',
  background: undefined,
  format: 'png',
  quality: 80,
  page: 1,
} as const;

/** Who waits. */
const ASKER = '192.0.2.1';

describe('processes', () => {
  it('start when they are needed, end without work, and are gone after the end', async () => {
    const images = await open({ idleMs: 300 });
    expect(images.pids()).toEqual([]);
    await images.render(await put(png(20, 20, [1, 2, 3]), 'image/png'), PLAIN, ASKER);
    const [pid] = images.pids();
    expect(isAlive(pid)).toBe(true);
    await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
    await images.render(await put(png(20, 20, [1, 2, 3]), 'image/png'), PLAIN, ASKER);
    const [second] = images.pids();
    await images.close();
    expect(isAlive(second)).toBe(false);
    await expect(images.render(await put(png(2, 2, [1, 2, 3]), 'image/png'), PLAIN, ASKER)).rejects.toMatchObject({
      code: 'IMAGES_BUSY',
    });
  });

  it('are killed in time by a picture that never ends, and replaced', async () => {
    const images = await open({ timeoutMs: 1500 });
    const endless = hostilePictures().find(({ why }) => why === 'a filter over everything');
    const subject = await put(endless?.bytes ?? Buffer.alloc(0), 'image/svg+xml');
    await images.render(await put(png(2, 2, [1, 2, 3]), 'image/png'), PLAIN, ASKER);
    const [first] = images.pids();
    const startMs = performance.now();
    await expect(images.render(subject, { ...PLAIN, width: 4000 }, ASKER)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      detail: expect.stringContaining('1500 ms'),
    });
    expect(performance.now() - startMs).toBeLessThan(4000);
    await expect.poll(() => isAlive(first), { timeout: 5000 }).toBe(false);
    await images.render(await put(png(2, 2, [1, 2, 3]), 'image/png'), PLAIN, ASKER);
    expect(images.pids()).not.toEqual([first]);
    await images.close();
  });

  it('know nothing of the environment of the service', async () => {
    const images = await open();
    process.env['LATCHKEY_TEST_MARK'] = 'must not be handed on';
    await images.render(await put(png(2, 2, [1, 2, 3]), 'image/png'), PLAIN, ASKER);
    const environment = process.platform === 'linux' ? readFileSync(`/proc/${images.pids()[0]}/environ`, 'utf8') : '';
    delete process.env['LATCHKEY_TEST_MARK'];
    expect(environment).not.toContain('LATCHKEY');
    await images.close();
  });

  it('have a queue with an end: what is too much is told to come back', async () => {
    const images = await open({ queueMax: 2 });
    const subject = await put(png(2000, 2000, [1, 2, 3]), 'image/png');
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => images.render(subject, PLAIN, ASKER)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const one of all) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'IMAGES_BUSY' });
    await images.close();
  });
});

describe('askers', () => {
  it('take turns: whoever comes second waits for one picture of whoever asked for many', async () => {
    const images = await open();
    const subject = await put(png(300, 300, [1, 2, 3]), 'image/png');
    const done: string[] = [];
    const ask = (asker: string, width: number) =>
      images.render(subject, { ...PLAIN, width }, asker).then(() => done.push(asker));
    const all = Array.from({ length: 30 }, (_, n) => ask('many', n + 1));
    all.push(ask('one', 1), ask('two', 1), ask('one', 2));
    await Promise.all(all);
    await images.close();
    // One was under way before the others came, and each round begins with whoever has waited longest.
    expect(done.slice(0, 7).filter((asker) => asker !== 'many')).toEqual(['one', 'two', 'one']);
  });

  it('may have so many waiting, and so many drawn in a minute, without taking any from others', async () => {
    let nowMs = 0;
    const images = await open({ askerMax: 3, perMinuteMax: 6, now: () => nowMs });
    const subject = await put(png(300, 300, [1, 2, 3]), 'image/png');
    const outcomes = async (asker: string, count: number) => {
      const all = await Promise.allSettled(Array.from({ length: count }, () => images.render(subject, PLAIN, asker)));
      return all.map((one) => (one.status === 'fulfilled' ? 'drawn' : one.reason.code));
    };
    const limited = 'REQUEST_RATE_LIMITED';
    expect(await outcomes('many', 5)).toEqual(['drawn', 'drawn', 'drawn', 'drawn', limited]);
    // What was refused had been taken from the minute; otherwise to be refused would cost nothing.
    expect(await outcomes('many', 2)).toEqual(['drawn', limited]);
    expect(await outcomes('other', 1)).toEqual(['drawn']);
    nowMs = 59_999;
    await expect(images.render(subject, PLAIN, 'many')).rejects.toMatchObject({ facts: { retryAfterMs: 1, limit: 6 } });
    nowMs = 60_000;
    expect(await outcomes('many', 1)).toEqual(['drawn']);
    await images.close();
  });
});

describe.skipIf(process.platform === 'win32')('memory', () => {
  let images: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    images = await open();
  });
  afterAll(() => images.close());

  /** The most memory that the drawing process was seen to hold during the work, and what came of the work. */
  async function peakOf(
    work: () => Promise<unknown>,
  ): Promise<{ readonly peakBytes: number; readonly outcome: string }> {
    let working = true;
    const watching = (async () => {
      let peakBytes = 0;
      while (working) {
        for (const pid of images.pids()) peakBytes = Math.max(peakBytes, await memoryOf(pid));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return peakBytes;
    })();
    const outcome = await work().then(
      () => 'done',
      (error: unknown) => String(error instanceof AppError ? error.code : error),
    );
    working = false;
    return { peakBytes: await watching, outcome };
  }

  test.each(hostilePictures().map((picture) => [picture.why, picture] as const))(
    '%s stays within the bound, drawn as large as can be',
    async (_, { bytes, mime }) => {
      const subject = await put(bytes, mime);
      const { peakBytes, outcome } = await peakOf(() => images.render(subject, { ...PLAIN, width: 4096 }, ASKER));
      expect(outcome).toMatch(/^(done|IMAGE_UNREADABLE|RENDITION_FAILED)$/);
      expect(peakBytes).toBeLessThan(MEMORY_BYTES_MAX);
    },
  );

  it('is what ends a process, not the bound of time: thirty grounds would take two gigabytes', async () => {
    const drawing = hostilePictures().find(({ why }) => why === 'a filter that keeps thirty grounds');
    const subject = await put(drawing?.bytes ?? Buffer.alloc(0), 'image/svg+xml');
    // Warm, so that none of the time is that of a start.
    await images.render(await put(png(2, 2, [1, 2, 3]), 'image/png'), PLAIN, ASKER);
    const { peakBytes, outcome } = await peakOf(() => images.render(subject, { ...PLAIN, width: 4000 }, ASKER));
    expect(outcome).toBe('IMAGE_UNREADABLE');
    expect(peakBytes).toBeGreaterThan((MEMORY_BYTES_MAX - MEMORY_BYTES_AIR) / 2);
    expect(peakBytes).toBeLessThan(MEMORY_BYTES_MAX);
  });
});

/** The highest that the system counted for the process; where it keeps no such number, what it holds now. */
async function memoryOf(pid: number): Promise<number> {
  try {
    if (process.platform !== 'linux') {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
      return Number(stdout) * 1024;
    }
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It has ended.
  }
}

it('reaches no network for a drawing', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  const images = await open();
  const inside = `<style>@import url("${url}.css");rect{fill:url("${url}.svg#a")}</style>
    <image width="9" height="9" href="${url}.png"/><use xlink:href="${url}.svg#b"/><rect width="9" height="9"/>`;
  await images.render(await put(svg(inside), 'image/svg+xml'), PLAIN, ASKER).catch(() => undefined);
  await images.close();
  server.close();
  expect(asked).toBe(0);
});

if (programs === undefined) {
  console.info('ffmpeg is not there: no video was drawn.');
  if (process.env['CI'] === 'true') throw new Error('ffmpeg is missing');
}

describe.runIf(programs !== undefined)('recordings, by ffmpeg', () => {
  /** A recording made by the program itself. */
  async function made(name: string, args: readonly string[]): Promise<Buffer> {
    const path = join(folder, name);
    await promisify(execFile)('ffmpeg', ['-loglevel', 'error', '-y', ...args, path]);
    return readFileSync(path);
  }

  it('have a poster, also when they are shorter than where it is usually taken', async () => {
    const drawing = await open({ timeoutMs: 15_000 });
    for (const seconds of ['3', '0.2']) {
      const source = `color=c=0xdc1e1e:s=64x32:d=${seconds}:r=10`;
      const video = await put(await made(`${seconds}.mkv`, ['-f', 'lavfi', '-i', source]), 'video/matroska');
      const drawn = await drawing.render(video, { ...PLAIN, width: 32 }, ASKER);
      expect([drawn.width, drawn.height]).toEqual([32, 16]);
      expect((await drawing.examine(await put(drawn.bytes, drawn.mime)))['dominant_color']).toBe('red');
      expect(await drawing.examine(video)).toMatchObject({
        img_w: 64,
        img_h: 32,
        img_o: 'PA',
        video_duration: Number(seconds),
        dominant_color: 'red',
      });
    }
    await drawing.close();
  });

  it('have a cover, also one that stands before the beginning of the sound', async () => {
    const drawing = await open({ timeoutMs: 15_000 });
    await made('cover.jpg', ['-f', 'lavfi', '-i', 'color=c=0xdc1e1e:s=64x32:d=1', '-frames:v', '1']);
    const parts = ['-f', 'lavfi', '-i', 'sine=d=2', '-i', join(folder, 'cover.jpg'), '-map', '0', '-map', '1'];
    const song = await put(await made('song.mp3', [...parts, '-disposition:v:0', 'attached_pic']), 'audio/mpeg');
    const drawn = await drawing.render(song, { ...PLAIN, width: 32 }, ASKER);
    expect([drawn.width, drawn.height]).toEqual([32, 16]);
    expect(await drawing.examine(song)).toMatchObject({
      dominant_color: 'red',
      blurhash: expect.any(String),
      audio_codec: 'mp3',
    });
    await drawing.close();
  });

  it.each([
    ['a.m1v', ['-c:v', 'mpeg1video'], 'video/mpeg', { video_codec: 'mpeg1video' }],
    ['a.m2v', ['-c:v', 'mpeg2video'], 'video/mpeg', { video_codec: 'mpeg2video' }],
    ['a.wmv', ['-c:v', 'wmv2'], 'video/x-ms-asf', { video_codec: 'wmv2', duration: 2, video_duration: 2 }],
  ] as const)('have a poster and sides when they are videos: %s', async (name, how, mime, facts) => {
    const drawing = await open({ timeoutMs: 15_000 });
    const bytes = await made(name, ['-f', 'lavfi', '-i', 'color=c=0xdc1e1e:s=64x32:d=2:r=25', ...how]);
    expect((await openMedia().detect(bytes, name, undefined)).mime).toBe(mime);
    const video = await put(bytes, mime);
    const { width, height } = await drawing.render(video, { ...PLAIN, width: 32 }, ASKER);
    expect([width, height]).toEqual([32, 16]);
    const seen = await drawing.examine(video);
    expect(seen).toMatchObject({ img_w: 64, img_h: 32, dominant_color: 'red', ...facts });
    // What nobody wrote down is not told.
    expect(seen['duration']).toBe('duration' in facts ? facts.duration : undefined);
    await drawing.close();
  });

  it('of a type that has sound first, and a moving picture, are videos all the same', async () => {
    const drawing = await open({ timeoutMs: 15_000 });
    const parts = ['-f', 'lavfi', '-i', 'sine=d=2', '-f', 'lavfi', '-i', 'color=c=0xdc1e1e:s=64x32:d=2:r=25'];
    const codecs = ['-map', '0', '-map', '1', '-c:v', 'wmv2', '-c:a', 'wmav2', '-f', 'asf'];
    const both = await put(await made('both.asf', [...parts, ...codecs]), 'audio/x-ms-asf');
    expect((await drawing.render(both, { ...PLAIN, width: 32 }, ASKER)).height).toBe(16);
    expect(await drawing.examine(both)).toMatchObject({
      img_w: 64,
      video_duration: expect.closeTo(2, 0),
      video_codec: 'wmv2',
      audio_codec: 'wmav2',
    });
    await drawing.close();
  });

  it('whose pixels are no squares are shown in square ones', async () => {
    const drawing = await open({ timeoutMs: 15_000 });
    const wide = ['-f', 'lavfi', '-i', 'color=c=0xdc1e1e:s=720x576:d=2:r=5', '-vf', 'setsar=64/45', '-c:v', 'mpeg4'];
    const video = await put(await made('wide.mp4', wide), 'video/mp4');
    expect(await drawing.examine(video)).toMatchObject({ img_w: 1024, img_h: 576 });
    const { width, height } = await drawing.render(video, PLAIN, ASKER);
    expect([width, height]).toEqual([10, 6]);
    const whole = await drawing.render(video, { ...PLAIN, width: undefined }, ASKER);
    expect([whole.width, whole.height]).toEqual([1024, 576]);
    await drawing.close();
  });

  it.each([
    ['a.wma', ['-c:a', 'wmav2', '-f', 'asf'], 'audio/x-ms-asf', 'wmav2'],
    ['a.ac3', [], 'audio/vnd.dolby.dd-raw', 'ac3'],
    ['a.wv', [], 'audio/wavpack', 'wavpack'],
  ] as const)('have a length when they are sounds: %s', async (name, how, mime, codec) => {
    const drawing = await open({ timeoutMs: 15_000 });
    const bytes = await made(name, ['-f', 'lavfi', '-i', 'sine=d=2', ...how]);
    expect((await openMedia().detect(bytes, name, undefined)).mime).toBe(mime);
    const seen = await drawing.examine(await put(bytes, mime));
    expect(seen).toEqual({ duration: expect.closeTo(2, 0), audio_codec: codec });
    await drawing.close();
  });

  it('without a picture have a length, and are not drawn', async () => {
    const drawing = await open({ timeoutMs: 15_000 });
    const sound = await put(await made('a.wav', ['-f', 'lavfi', '-i', 'sine=d=1']), 'audio/wav');
    expect(await drawing.examine(sound)).toEqual({ duration: 1, audio_codec: 'pcm_s16le' });
    await expect(drawing.render(sound, PLAIN, ASKER)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await drawing.close();
  });
});

const corpora = process.env['CORPORA_DIR'];

describe.runIf(corpora !== undefined)('real files', () => {
  it('are drawn, or refused as unreadable, and nothing else happens', async () => {
    const images = await open({ timeoutMs: 15_000 });
    const media = openMedia();
    const outcomes = new Map<string, string>();
    for (const name of await readdir(join(corpora ?? '', 'files'))) {
      const bytes = readFileSync(join(corpora ?? '', 'files', name));
      const { mime } = await media.detect(bytes.subarray(0, 64 * 1024), name, undefined);
      if (!images.draws(mime)) continue;
      const outcome = await images.render(await put(bytes, mime), PLAIN, ASKER).then(
        (drawn) => (drawn.bytes.length > 0 && drawn.width <= 10 ? 'drawn' : 'wrong'),
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      outcomes.set(name, outcome);
    }
    await images.close();
    for (const [name, outcome] of outcomes)
      expect(outcome, name).toMatch(/^(drawn|(IMAGE_UNREADABLE|RENDITION_FAILED).*)$/);
    for (const name of [
      'fixture.jpg',
      'fixture.png',
      'fixture.gif',
      'fixture.webp',
      'fixture.pdf',
      'fixture-bali.tif',
    ]) {
      expect(outcomes.get(name), name).toBe('drawn');
    }
  });
});

describe.runIf(corpora !== undefined && programs !== undefined)('real recordings', () => {
  it.each(['amr', 'ape', 'dsf', 'wv', 'ac3', 'wma.asf', 'wmv.asf', 'asf'])(
    'tell their length: .%s',
    async (extension) => {
      const images = await open({ timeoutMs: 15_000 });
      const folderOf = join(corpora ?? '', 'files');
      const name = (await readdir(folderOf)).find((one) => one.startsWith('fixture') && one.endsWith(`.${extension}`));
      const bytes = readFileSync(join(folderOf, name ?? ''));
      const { mime } = await openMedia().detect(bytes.subarray(0, 64 * 1024), name ?? '', undefined);
      expect((await images.examine(await put(bytes, mime)))['duration'], mime).toBeGreaterThan(0);
      await images.close();
    },
  );
});

if (corpora === undefined) console.info('CORPORA_DIR is not set: real files were not drawn.');

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
