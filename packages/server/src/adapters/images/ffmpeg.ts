// A frame of a video, the cover of a recording, and their facts, by the programs ffmpeg and ffprobe where the machine has them.
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { JsonObject } from '../../ports/metadata.ts';

const run = promisify(execFile);

/** Paths of the two programs. */
export interface Ffmpeg {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly version: string;
}

/** The reader for each type. It is named, never guessed from the bytes: some readers open other files and addresses. */
const READERS: Readonly<Record<string, string>> = {
  'video/mp4': 'mov',
  'video/x-m4v': 'mov',
  'video/quicktime': 'mov',
  'video/3gpp': 'mov',
  'video/3gpp2': 'mov',
  'video/webm': 'matroska',
  'video/matroska': 'matroska',
  'video/x-matroska': 'matroska',
  'video/vnd.avi': 'avi',
  'video/x-msvideo': 'avi',
  'video/x-flv': 'flv',
  'video/ogg': 'ogg',
  'video/mpeg': 'mpegvideo',
  'video/mp1s': 'mpeg',
  'video/mp2t': 'mpegts',
  'video/mp2p': 'mpeg',
  'video/x-ms-asf': 'asf',
  'video/x-ms-wmv': 'asf',
  'audio/x-ms-asf': 'asf',
  'audio/mpeg': 'mp3',
  'audio/mp4': 'mov',
  'audio/x-m4a': 'mov',
  'audio/flac': 'flac',
  'audio/x-flac': 'flac',
  'audio/ogg': 'ogg',
  'audio/wav': 'wav',
  'audio/vnd.wave': 'wav',
  'audio/x-wav': 'wav',
  'audio/aiff': 'aiff',
  'audio/aac': 'aac',
  'audio/vnd.dolby.dd-raw': 'ac3',
  'audio/amr': 'amr',
  'audio/ape': 'ape',
  'audio/wavpack': 'wv',
  'audio/x-dsf': 'dsf',
};
/** A type of recordings with and without a moving picture; its name says only what comes first in them. */
const MIXED = 'audio/x-ms-asf';
/** Without a container nobody wrote down how long it is, and what is estimated is wrong by far. */
const TIMELESS = 'mpegvideo';

/** Kilobytes of address space and seconds of computing that a run may use. */
const MEMORY_KB = 2 * 1024 * 1024;
const CPU_SECONDS = 20;
const TIMEOUT_MS = 20_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** Where a poster is taken: the very first frame is often black. */
const POSTER_SECONDS = 1;
const POSTER_WIDTH = 1920;
/** Pixels that are wider than high, or higher than wide, by more than this are a fault or a trick. */
const PIXEL_RATIO_MAX = 4;
/** In square pixels. */
const POSTER_SCALE = [
  `scale='max(1,round(min(${POSTER_WIDTH},iw*clip(sar,${1 / PIXEL_RATIO_MAX},${PIXEL_RATIO_MAX}))))'`,
  `'max(1,round(ow*ih/(iw*clip(sar,${1 / PIXEL_RATIO_MAX},${PIXEL_RATIO_MAX}))))',setsar=1`,
].join(':');

/** Finds the programs; undefined when one is missing or does not start. */
export async function findFfmpeg(): Promise<Ffmpeg | undefined> {
  // Where there is no such shell there are no such bounds either, and foreign videos are left alone.
  if (process.platform === 'win32') return undefined;
  try {
    const [ffmpeg, ffprobe] = await Promise.all(
      ['ffmpeg', 'ffprobe'].map(async (name) =>
        (await run('/bin/sh', ['-c', `command -v ${name}`], { timeout: TIMEOUT_MS })).stdout.trim(),
      ),
    );
    if (ffmpeg === undefined || ffprobe === undefined) return undefined;
    const { stdout } = await run(ffmpeg, ['-hide_banner', '-version'], { timeout: TIMEOUT_MS, env: {} });
    return { ffmpeg, ffprobe, version: /version (\S+)/.exec(stdout)?.[1] ?? 'unknown' };
  } catch {
    return undefined; // Not there is an answer, not a failure.
  }
}

/** Whether the programs can look into this type. */
export function isRecording(mime: string): boolean {
  return Object.hasOwn(READERS, mime);
}

/** Writes a frame of the video, or the cover of the recording, as a PNG to `target`. Throws when there is none. */
export async function writePoster(programs: Ffmpeg, path: string, mime: string, target: string): Promise<void> {
  const starts = mime.startsWith('video/') || mime === MIXED ? [POSTER_SECONDS, 0] : [0];
  let last: unknown;
  for (const start of starts) {
    try {
      await bounded(programs.ffmpeg, [
        ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', '-max_alloc', '268435456', '-threads', '1'],
        ...['-protocol_whitelist', 'file', '-f', READERS[mime] ?? ''],
        // Asked for place 0, it goes to where the sound begins and passes by a cover that stands before it.
        ...(start === 0 ? [] : ['-ss', String(start)]),
        ...['-i', `file:${path}`],
        ...['-map', '0:v:0', '-an', '-sn', '-dn', '-frames:v', '1', '-threads', '1'],
        ...['-vf', POSTER_SCALE, '-map_metadata', '-1'],
        ...['-c:v', 'png', '-f', 'image2', '-update', '1', `file:${target}`],
      ]);
      // Asked for a place behind the end, it writes nothing and calls that a success.
      await access(target);
      return;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** What the container of the recording says: length, sides, codecs. Throws when it cannot be read. */
export async function probe(programs: Ffmpeg, path: string, mime: string): Promise<Probed> {
  const text = await bounded(programs.ffprobe, [
    ...['-hide_banner', '-loglevel', 'error', '-protocol_whitelist', 'file', '-f', READERS[mime] ?? ''],
    ...['-of', 'json', '-show_entries'],
    'format=duration:stream=codec_type,codec_name,width,height,sample_aspect_ratio,duration:stream_disposition=attached_pic:stream_side_data=rotation',
    `file:${path}`,
  ]);
  return readProbe(JSON.parse(text), mime);
}

/** Facts, with upright sides when there is a moving picture. */
export interface Probed {
  readonly facts: JsonObject;
  readonly sides: { readonly width: number; readonly height: number } | undefined;
}

function readProbe(answer: unknown, mime: string): Probed {
  const { format, streams } = membersOf(answer);
  const all = Array.isArray(streams) ? streams.map(membersOf) : [];
  const video = all.find(
    (stream) => stream['codec_type'] === 'video' && membersOf(stream['disposition'])['attached_pic'] !== 1,
  );
  const audio = all.find((stream) => stream['codec_type'] === 'audio');
  const seconds =
    READERS[mime] === TIMELESS
      ? undefined
      : (numberOf(membersOf(format)['duration']) ?? numberOf(video?.['duration']) ?? numberOf(audio?.['duration']));
  const duration = seconds === undefined ? undefined : Math.round(seconds * 1000) / 1000;
  const isVideo = mime.startsWith('video/') || (mime === MIXED && video !== undefined);
  const [width, height] = [widthOf(video), numberOf(video?.['height'])];
  const sideData = Array.isArray(video?.['side_data_list']) ? video['side_data_list'].map(membersOf) : [];
  const turned = sideData.some((entry) => Math.abs(numberOf(entry['rotation']) ?? 0) % 180 === 90);
  return {
    facts: {
      ...(duration === undefined ? {} : { duration, ...(isVideo ? { video_duration: duration } : {}) }),
      ...(isVideo && video !== undefined ? codec('video_codec', video) : {}),
      ...(audio === undefined ? {} : codec('audio_codec', audio)),
    },
    sides:
      isVideo && width !== undefined && height !== undefined && width > 0 && height > 0
        ? turned
          ? { width: height, height: width }
          : { width, height }
        : undefined,
  };
}

/** In square pixels, as it is shown. */
function widthOf(video: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const width = numberOf(video?.['width']);
  const [wide = 1, high = 1] = String(video?.['sample_aspect_ratio'] ?? '')
    .split(':')
    .map(Number);
  const ratio = wide > 0 && high > 0 ? Math.min(Math.max(wide / high, 1 / PIXEL_RATIO_MAX), PIXEL_RATIO_MAX) : 1;
  return width === undefined ? undefined : Math.round(width * ratio);
}

function codec(name: string, stream: Readonly<Record<string, unknown>>): JsonObject {
  const text = stream['codec_name'];
  return typeof text === 'string' && /^[\w.-]{1,32}$/.test(text) ? { [name]: text } : {};
}

/** Runs a program without this process's environment, bounded in memory, computing and time. */
async function bounded(program: string, args: readonly string[]): Promise<string> {
  const limits = `ulimit -v ${MEMORY_KB}; ulimit -t ${CPU_SECONDS}; exec nice -n 10 "$@"`;
  const { stdout } = await run('/bin/sh', ['-c', limits, 'sh', program, ...args], {
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
    env: {},
  });
  return stdout;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number.parseFloat(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
