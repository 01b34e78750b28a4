// Opens content for drawing: as pixels of a picture, or as the drawn page of a document. Runs in drawing processes only.
import { open, readFile, stat } from 'node:fs/promises';
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import type { Rendition } from '../../ports/images.ts';
import { DRAWING_BYTES_MAX, INPUT_PIXELS_MAX, PAGED_TYPES, PICTURE_FORMATS, WHOLE_BYTES_MAX } from './job.ts';

sharp.cache(false);
sharp.concurrency(1);
// Only the decoders of the formats that are drawn: every other one is closed, whatever bytes would lead to it.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Gif', 'Nsgif', 'Heif', 'Tiff', 'Svg'].map((format) => `VipsForeignLoad${format}`),
});

/** Frames of a moving picture that are kept moving, and all their pixels together, before and after. */
const FRAMES_MAX = 100;
export const FRAMES_PIXELS_MAX = 25_000_000;
/** Points of a page become this many pixels when nothing else is asked: 144 dots to the inch. */
const PAGE_SCALE = 2;
const PAGE_PIXELS_MAX = 16_000_000;

/** Content that is open for drawing. */
export interface Source {
  /** Upright sides in pixels. */
  readonly width: number;
  readonly height: number;
  /** `jpeg`, `png`, `svg` ... as the decoder found it; `pdf` for documents. */
  readonly format: string;
  readonly hasAlpha: boolean;
  /** Frames of a moving picture, 1 for all others. */
  readonly frames: number;
  readonly pages: number;
  /** Absent for documents. */
  readonly metadata: Metadata | undefined;
  /**
   * The upright pixels, of documents for a box of these sides. With `moving` every frame. A drawing is not pixels yet: it is drawn in
   * the size to which the answer is resized.
   */
  pixels(box: { readonly width: number; readonly height: number }, moving?: boolean): Promise<Sharp>;
}

/** Opens the file. Throws when it is not what its type says, or beyond the bounds. */
export async function openSource(path: string, mime: string, { page = 1, damaged }: Opening = {}): Promise<Source> {
  if (PAGED_TYPES.has(mime)) return openDocument(path, page);
  const expected = PICTURE_FORMATS[mime];
  if (expected === undefined) throw new Error(`${mime} is no picture`);
  return openPicture(path, expected, damaged === 'refused' ? 'error' : 'none');
}

/** How content is opened: of a document which page, and whether pixels that are missing are an error. */
export type Opening = Partial<Pick<Rendition, 'page' | 'damaged'>>;

async function openPicture(path: string, expected: string, failOn: 'none' | 'error'): Promise<Source> {
  const isDrawing = expected === 'svg';
  // Handed over as bytes a drawing has no place of its own, so that no name in it leads to a file beside it.
  const input = isDrawing ? await readWhole(path, DRAWING_BYTES_MAX) : await stillOf(path, expected);
  const options: SharpOptions = { failOn, limitInputPixels: INPUT_PIXELS_MAX, sequentialRead: true, pages: 1 };
  // Only the header is read here, whatever it claims; the bounds are held against it below.
  const metadata = await sharp(input, { ...options, limitInputPixels: false }).metadata();
  const { width, height, autoOrient, format } = metadata;
  if (format !== expected) throw new Error(`found ${format} instead of ${expected}`);
  if (!isDrawing && width * height > INPUT_PIXELS_MAX) throw new Error(`${width} x ${height} pixels are too many`);
  const frames = isDrawing || format === 'tiff' ? 1 : (metadata.pages ?? 1);
  const moves = frames > 1 && frames <= FRAMES_MAX && frames * width * height <= FRAMES_PIXELS_MAX;
  const upright = { width: autoOrient.width, height: autoOrient.height };
  return {
    ...upright,
    format,
    hasAlpha: metadata.hasAlpha,
    frames: moves ? frames : 1,
    pages: format === 'tiff' ? (metadata.pages ?? 1) : 1,
    metadata,
    async pixels(_box, moving = false) {
      // Resizing scales it in whatever units its sides are; a density would scale inches and millimetres twice.
      if (isDrawing) return sharp(input, { ...options, limitInputPixels: false });
      return sharp(input, { ...options, ...(moving && moves ? { pages: -1 } : {}) }).autoOrient();
    },
  };
}

async function openDocument(path: string, wanted: number): Promise<Source> {
  const bytes = await readWhole(path, WHOLE_BYTES_MAX);
  const { PDFiumLibrary } = await import('@hyzyla/pdfium');
  const library = await PDFiumLibrary.init();
  const document = await library.loadDocument(bytes);
  const pages = document.getPageCount();
  if (pages < 1) throw new Error('a document without pages');
  const page = document.getPage(Math.min(wanted, pages) - 1);
  const { originalWidth: width, originalHeight: height } = page.getOriginalSize();
  if (!(width > 0 && height > 0)) throw new Error('a page without sides');
  return {
    width: Math.round(width * PAGE_SCALE),
    height: Math.round(height * PAGE_SCALE),
    format: 'pdf',
    hasAlpha: false,
    frames: 1,
    pages,
    metadata: undefined,
    async pixels(box) {
      const scale = Math.min(
        Math.max(box.width / width, box.height / height),
        Math.sqrt(PAGE_PIXELS_MAX / (width * height)),
      );
      const drawn = await page.render({ scale, render: 'bitmap', renderFormFields: false });
      const raw = { width: drawn.width, height: drawn.height, channels: 4 as const };
      const copy = Buffer.from(drawn.data);
      document.destroy();
      library.destroy();
      return sharp(copy, { raw }).flatten({ background: '#ffffff' });
    },
  };
}

const SEQUENCE = Buffer.from('ftypavis', 'latin1');
const STILL = Buffer.from('ftypavif', 'latin1');

/**
 * The file, or of a sequence of AVIF its bytes under the name of its still picture, which the decoder looks for before it looks at
 * what there is.
 */
async function stillOf(path: string, expected: string): Promise<string | Buffer> {
  if (expected !== 'heif') return path;
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4 + SEQUENCE.length), 0, 4 + SEQUENCE.length, 0);
    if (!buffer.subarray(4).equals(SEQUENCE)) return path;
  } finally {
    await file.close();
  }
  const bytes = await readWhole(path, WHOLE_BYTES_MAX);
  STILL.copy(bytes, 4);
  return bytes;
}

async function readWhole(path: string, bytesMax: number): Promise<Buffer> {
  if ((await stat(path)).size > bytesMax) throw new Error(`more than ${bytesMax} bytes`);
  return readFile(path);
}
