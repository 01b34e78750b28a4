// Draws one rendition of a file. Runs in drawing processes only.
import type { Sharp } from 'sharp';
import { RENDITION_PIXELS_MAX, type Rendered, type Rendition } from '../../ports/images.ts';
import { INPUT_PIXELS_MAX } from './job.ts';
import { FRAMES_PIXELS_MAX, type Source } from './source.ts';

type Format = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif';

/** The longest side of a whole drawing that the decoder takes. */
const DRAWING_SIDE_MAX = 32_767;

/** The rendition of the content. Throws when it cannot be drawn in this way. */
export async function draw(source: Source, rendition: Rendition): Promise<Rendered> {
  const box = boxOf(source, rendition);
  const isMoving =
    source.frames > 1 &&
    source.frames * box.width * box.height <= FRAMES_PIXELS_MAX &&
    (rendition.format === 'same' || rendition.format === 'webp');
  const format = formatOf(source, rendition, isMoving);
  const ground = groundOf(rendition, format);
  const pixels = inColour(await source.pixels(box, isMoving), source, ground).resize({
    width: box.width,
    height: box.height,
    fit: box.fit,
    withoutEnlargement: box.fit === 'contain' && !isVector(source),
    background: ground.kind === 'opaque' ? ground.colour : CLEAR,
  });
  const isSeenThrough = source.hasAlpha || box.fit === 'contain';
  const grounded = isSeenThrough ? onGround(pixels, ground) : pixels;
  const { data, info } = await encoded(grounded.toColourspace('srgb'), format, rendition.quality).toBuffer({
    resolveWithObject: true,
  });
  return { bytes: data, mime: `image/${format}`, width: info.width, height: info.pageHeight ?? info.height };
}

interface Box {
  readonly width: number;
  readonly height: number;
  readonly fit: 'fill' | 'cover' | 'contain';
}

/** The sides of the result. Pixels are never enlarged: what is asked beyond the source shrinks in its own proportions. */
function boxOf(source: Source, { width, height, fitting }: Rendition): Box {
  // All of a drawing is drawn, also what is cut off.
  const largest = isVector(source)
    ? Math.min(
        DRAWING_SIDE_MAX / Math.max(source.width, source.height),
        Math.sqrt(INPUT_PIXELS_MAX / (source.width * source.height)),
      )
    : 1;
  const asked = {
    width: Math.min(width ?? RENDITION_PIXELS_MAX, RENDITION_PIXELS_MAX),
    height: Math.min(height ?? RENDITION_PIXELS_MAX, RENDITION_PIXELS_MAX),
  };
  if (width !== undefined && height !== undefined && fitting === 'pad') return { ...asked, fit: 'contain' };
  if (width !== undefined && height !== undefined && fitting === 'crop') {
    const scale = Math.max(asked.width / source.width, asked.height / source.height);
    const shrink = scale > largest ? largest / scale : 1;
    return { width: whole(asked.width * shrink), height: whole(asked.height * shrink), fit: 'cover' };
  }
  // A drawing has its own size, too, unless a side was asked for.
  const bound = width === undefined && height === undefined ? 1 : largest;
  const scale = Math.min(asked.width / source.width, asked.height / source.height, bound);
  return { width: whole(source.width * scale), height: whole(source.height * scale), fit: 'fill' };
}

function isVector({ format }: Source): boolean {
  return format === 'svg' || format === 'pdf';
}

/** What lies behind a picture and beside it: nothing, a colour, or a colour through which one sees. */
type Ground = { readonly kind: 'none' } | { readonly kind: 'opaque' | 'sheer'; readonly colour: string };

const WHITE = '#ffffff';
const CLEAR = '#00000000';

function groundOf({ background }: Rendition, format: Format): Ground {
  const alpha = background?.length === 9 ? Number.parseInt(background.slice(7), 16) / 255 : 1;
  // Nothing shows through a JPEG: behind all of it is white.
  if (format === 'jpeg') return { kind: 'opaque', colour: overWhite(background?.slice(0, 7) ?? WHITE, alpha) };
  if (background === undefined || alpha === 0) return { kind: 'none' };
  return alpha === 1 ? { kind: 'opaque', colour: background } : { kind: 'sheer', colour: background };
}

function overWhite(colour: string, alpha: number): string {
  const channels = Buffer.from(colour.slice(1), 'hex').map((value) => Math.round(value * alpha + 255 * (1 - alpha)));
  return `#${Buffer.from(channels).toString('hex')}`;
}

/** On a picture of one channel any colour would be gray. What has a profile is led to sRGB by that. */
function inColour(pixels: Sharp, { metadata }: Source, ground: Ground): Sharp {
  const isGray = metadata?.space === 'grey16' || (metadata?.space === 'b-w' && !metadata.hasProfile);
  return isGray && ground.kind !== 'none' ? pixels.pipelineColourspace('srgb') : pixels;
}

function onGround(pixels: Sharp, ground: Ground): Sharp {
  switch (ground.kind) {
    case 'none':
      return pixels;
    case 'opaque':
      return pixels.flatten({ background: ground.colour });
    case 'sheer': {
      const dot = { create: { width: 1, height: 1, channels: 4, background: ground.colour } } as const;
      return pixels.composite([{ input: dot, tile: true, blend: 'dest-over' }]);
    }
  }
}

function whole(pixels: number): number {
  return Math.max(1, Math.round(pixels));
}

function formatOf(source: Source, { format }: Rendition, isMoving: boolean): Format {
  if (format !== 'same') return format;
  switch (source.format) {
    case 'jpeg':
    case 'png':
    case 'webp':
      return source.format;
    case 'heif':
      return 'avif';
    case 'gif':
      return isMoving ? 'gif' : 'png';
    case 'svg':
    case 'pdf':
      return 'png';
    default:
      return source.hasAlpha ? 'png' : 'jpeg';
  }
}

function encoded(pixels: Sharp, format: Format, quality: number): Sharp {
  switch (format) {
    case 'jpeg':
      return pixels.jpeg({ quality });
    case 'png':
      return pixels.png();
    case 'webp':
      return pixels.webp({ quality, effort: 3 });
    case 'avif':
      return pixels.avif({ quality: Math.round(quality * 0.7), effort: 2 });
    case 'gif':
      return pixels.gif({ effort: 3 });
  }
}
