// What the service and its drawing processes say to each other.

import type { Rendition } from '../../ports/images.ts';
import type { JsonObject } from '../../ports/metadata.ts';

/** Work for a drawing process; the file is only ever read. */
export type Job =
  | { readonly kind: 'render'; readonly path: string; readonly mime: string; readonly rendition: Rendition }
  | { readonly kind: 'examine'; readonly path: string; readonly mime: string };

/** What came of it. */
export type Outcome =
  | {
      readonly ok: true;
      readonly kind: 'render';
      readonly bytes: Uint8Array;
      readonly mime: string;
      readonly width: number;
      readonly height: number;
    }
  | { readonly ok: true; readonly kind: 'examine'; readonly facts: JsonObject }
  /** What is readable could not be drawn in the way that was asked for; another way may do. */
  | { readonly ok: false; readonly readable: boolean; readonly reason: string };

/** The most pixels of one decoded picture: a hundred megapixels, beyond what cameras make. */
export const INPUT_PIXELS_MAX = 100_000_000;
/** The most memory of one drawing process, its program included. */
export const MEMORY_BYTES_MAX = 1024 * 1024 * 1024;
/** So much before that the process is ended: it is looked at now and then, and what it takes meanwhile must fit too. */
export const MEMORY_BYTES_AIR = 128 * 1024 * 1024;
/** Content that has to be held whole to be drawn (documents) may have this many bytes. */
export const WHOLE_BYTES_MAX = 128 * 1024 * 1024;
/** Drawings that are text are far smaller than pictures; what is larger is no drawing for a preview. */
export const DRAWING_BYTES_MAX = 8 * 1024 * 1024;

/** Picture formats by type: what the decoder must find in bytes that were judged to be of that type. */
export const PICTURE_FORMATS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpeg',
  'image/png': 'png',
  'image/apng': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/avif': 'heif',
  'image/tiff': 'tiff',
  'image/svg+xml': 'svg',
};

/** Documents of which pages are drawn. */
export const PAGED_TYPES: ReadonlySet<string> = new Set(['application/pdf']);
