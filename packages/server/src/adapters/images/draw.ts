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
  const pixels = (await source.pixels(box, isMoving)).resize({
    width: box.width,
    height: box.height,
    fit: box.fit,
    withoutEnlargement: box.fit === 'contain' && !isVector(source),
    background: rendition.background ?? (format === 'jpeg' ? '#ffffff' : '#00000000'),
  });
  const ground = rendition.background ?? (format === 'jpeg' ? '#ffffff' : undefined);
  const flat = ground !== undefined && source.hasAlpha ? pixels.flatten({ background: ground }) : pixels;
  const { data, info } = await encoded(flat.toColourspace('srgb'), format, rendition.quality).toBuffer({
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
