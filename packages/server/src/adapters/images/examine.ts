// Looks at a file and says what is so about it, in the words of the wire contract's `info`. Runs in drawing processes only.
import { isUtf8 } from 'node:buffer';
import { encode as encodeBlurhash } from 'blurhash';
import exifr from 'exifr';
import type { Json, JsonObject } from '../../ports/metadata.ts';
import { mainColours } from './colours.ts';
import { PAGED_TYPES } from './job.ts';
import { sidesOf } from './sides.ts';
import { openSource, type Source } from './source.ts';
import { keywordsInXmp } from './xmp.ts';

/**
 * What a camera or an editor wrote that is worth searching for. Where a picture was taken is not among it, nor serial numbers and
 * owners of devices: whoever may list a file is not thereby told where its author lives.
 */
const EXIF_FIELDS = [
  'Make',
  'Model',
  'LensModel',
  'ExposureTime',
  'FNumber',
  'ISO',
  'FocalLength',
  'Flash',
  'Software',
  'ImageDescription',
  'Artist',
  'Copyright',
] as const;
const IPTC_FIELDS = ['ObjectName', 'Headline', 'Caption', 'Byline', 'Credit', 'CopyrightNotice'] as const;
const TEXT_LENGTH_MAX = 500;
const KEYWORDS_MAX = 64;

/** Pixels a side that colours and the blurred preview are taken from. */
const SAMPLE = 64;

const TYPE_NAMES: Readonly<Record<string, string>> = { heif: 'AVIF' };
const SPACE_NAMES: Readonly<Record<string, string>> = {
  srgb: 'sRGB',
  'b-w': 'Gray',
  cmyk: 'CMYK',
  rgb16: 'RGB',
  grey16: 'Gray',
};

/** The facts of a file. Throws when it cannot be read at all; what single looks do not find is left out. */
export async function examine(path: string, mime: string): Promise<JsonObject> {
  const source = await openSource(path, mime);
  if (PAGED_TYPES.has(mime)) return { page_count: source.pages };
  return {
    ...sidesOf(source.width, source.height),
    img_type: TYPE_NAMES[source.format] ?? source.format.toUpperCase(),
    img_color_space: SPACE_NAMES[source.metadata?.space ?? ''] ?? source.metadata?.space?.toUpperCase() ?? null,
    ...(await coloursOf(source).catch(() => ({}))),
    ...(source.format === 'svg' ? {} : await written(path, source).catch(() => ({}))),
  };
}

async function coloursOf(source: Source): Promise<JsonObject> {
  const scale = Math.min(SAMPLE / source.width, SAMPLE / source.height, 1);
  const [width, height] = [
    Math.max(1, Math.round(source.width * scale)),
    Math.max(1, Math.round(source.height * scale)),
  ];
  const pixels = (await source.pixels({ width, height }))
    .resize({ width, height, fit: 'fill' })
    .toColourspace('srgb')
    .flatten({ background: '#ffffff' })
    .raw();
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
  const rgb = info.channels === 3 ? data : spread(data, info.channels);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at += 1) rgba.set(rgb.subarray(at * 3, at * 3 + 3), at * 4);
  const colours = mainColours(rgb);
  const [dominant] = colours;
  return {
    main_colors: [...new Set(colours.map(({ name }) => name))],
    main_colors_hex: colours.map(({ hex }) => hex),
    ...(dominant === undefined ? {} : { dominant_color: dominant.name, dominant_color_hex: dominant.hex }),
    blurhash: encodeBlurhash(rgba, width, height, 4, 3),
  };
}

/** Gray pixels as RGB ones. */
function spread(data: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let at = 0; at < data.length / channels; at += 1) rgb.fill(data[at * channels] ?? 0, at * 3, at * 3 + 3);
  return rgb;
}

/** What EXIF, IPTC and XMP say, by the lists above, in bounded texts. */
async function written(path: string, { format, metadata }: Source): Promise<JsonObject> {
  const { ifd0, exif, iptc } = await partsOf(path, format, metadata?.exif).catch(() => NO_PARTS);
  const keywords = [
    ...listOf(memberOf(iptc, 'Keywords')).map(inUtf8),
    ...keywordsOf(metadata?.xmp),
    ...listOf(memberOf(ifd0, 'XPKeywords')).flatMap((words) => String(words).split(';')),
  ].flatMap((keyword) => plain(keyword) ?? []);
  const entries = [
    ...EXIF_FIELDS.map((name) => [name, plain(memberOf(exif, name) ?? memberOf(ifd0, name))] as const),
    ['DateTimeOriginal', momentOf(memberOf(exif, 'DateTimeOriginal'), memberOf(exif, 'OffsetTimeOriginal'))] as const,
    ...IPTC_FIELDS.map((name) => [name, plain(inUtf8(memberOf(iptc, name)))] as const),
    ['Keywords', keywords.length === 0 ? undefined : [...new Set(keywords)].slice(0, KEYWORDS_MAX)] as const,
  ].flatMap(([name, said]): [string, Json][] => (said === undefined ? [] : [[name, said]]));
  return entries.length === 0 ? {} : { metadata: Object.fromEntries(entries) };
}

/** None when they cannot be read. */
function keywordsOf(xmp: Buffer | undefined): readonly string[] {
  try {
    return xmp === undefined ? [] : keywordsInXmp(xmp);
  } catch {
    return [];
  }
}

const NO_PARTS: Readonly<Record<string, unknown>> = {};
/** Formats whose files are understood as they are; of others the decoder hands out the block of EXIF. */
const PARSED_WHOLE = new Set(['jpeg', 'png', 'tiff']);
const EXIF_MARK = Buffer.from('Exif\0\0', 'latin1');

async function partsOf(
  path: string,
  format: string,
  block: Buffer | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const isWhole = PARSED_WHOLE.has(format);
  if (!isWhole && block === undefined) return NO_PARTS;
  const isMarked = block?.subarray(0, EXIF_MARK.length).equals(EXIF_MARK) === true;
  const subject = isWhole || block === undefined ? path : isMarked ? block.subarray(EXIF_MARK.length) : block;
  // Each part by itself: names that are picked from all of them hide IPTC. Its reader of XMP takes minutes for hostile packets.
  const found: unknown = await exifr.parse(subject, {
    mergeOutput: false,
    tiff: true,
    // As it is written: revived, a time without a zone would get the one of this machine.
    exif: { reviveValues: false },
    gps: false,
    iptc: true,
    xmp: false,
    icc: false,
  });
  return Object(found) as Readonly<Record<string, unknown>>;
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function memberOf(part: unknown, name: string): unknown {
  return typeof part === 'object' && part !== null ? Reflect.get(part, name) : undefined;
}

/** IPTC says in which letters its texts are, or should; they are read byte by byte, and bytes that can be UTF-8 are. */
function inUtf8(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}

/** Year, month, day, hour, minute and second, as EXIF writes them and as careless programs do. */
const WRITTEN_TIME = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/;
const WRITTEN_OFFSET = /^([+-]\d\d:\d\d|Z)\0*$/;

/** The instant when the camera knew its zone, else the time that its clock showed, without a zone; undefined when it is no time. */
function momentOf(time: unknown, offset: unknown): string | undefined {
  const [, year, month, day, ...clock] = WRITTEN_TIME.exec(String(time)) ?? [];
  const shown = `${year}-${month}-${day}T${clock.join(':')}`;
  const shownMs = Date.parse(`${shown}Z`);
  // A day that its month does not have becomes one of the next.
  if (Number.isNaN(shownMs) || !new Date(shownMs).toISOString().startsWith(shown)) return undefined;
  const zone = WRITTEN_OFFSET.exec(String(offset))?.[1];
  const instantMs = zone === undefined ? Number.NaN : Date.parse(`${shown}${zone}`);
  return Number.isNaN(instantMs) ? shown : new Date(instantMs).toISOString();
}

/** A number or a short text without what no text should hold; undefined for everything else. */
function plain(value: unknown): string | number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  // Through UTF-8 and back: a lone surrogate is no text that every store takes.
  const text = Buffer.from(value.slice(0, TEXT_LENGTH_MAX), 'utf8').toString('utf8');
  const clean = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return clean === '' ? undefined : clean;
}
