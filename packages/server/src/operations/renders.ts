// Files as pictures of a size: drawn when first asked for, kept for the next time.

import { addressBucket } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Rendition } from '../ports/images.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord } from '../ports/metadata.ts';

type Needs = Pick<Ports, 'images' | 'renders'>;

/** A picture ready to be sent. */
export interface Picture {
  readonly bytes: Uint8Array;
  readonly mime: string;
}

/** Grows when the same rendition would be drawn differently, so that what was kept before is not served any more. */
const DRAWING_VERSION = 2;

/**
 * A private file as a picture, for a caller that may fetch it; charged like its bytes. Raises IMAGE_UNREADABLE, RENDITION_FAILED,
 * IMAGES_BUSY, REQUEST_RATE_LIMITED, FILE_NOT_FOUND, STORE_UNAVAILABLE, COUNTERS_UNAVAILABLE.
 */
export async function renderFile(
  ports: Needs,
  grant: Grant<'file.download'>,
  file: FileRecord,
  rendition: Rendition,
): Promise<Picture> {
  const picture = await draw(ports, file, rendition, grant.facts.clientIp);
  await grant.settle();
  grant.keep();
  return picture;
}

/** A public file as a picture, for anybody. Raises FILE_NOT_FOUND when it is not public. */
export async function renderPublicFile(
  ports: Needs,
  file: FileRecord,
  rendition: Rendition,
  clientIp: string,
): Promise<Picture> {
  if (!file.isPublic) throw new AppError('FILE_NOT_FOUND', 'not public');
  return draw(ports, file, rendition, clientIp);
}

/** Whether it is the picture that an error is about, and not the service or the caller. */
export function isUndrawable(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === 'IMAGE_UNREADABLE' || error.code === 'RENDITION_FAILED');
}

/** All that tells one rendition of the same content from another, in one spelling. */
export function variantOf(file: Pick<FileRecord, 'mime'>, rendition: Rendition): string {
  const { width, height, fitting, background, format, quality, page } = rendition;
  return JSON.stringify([DRAWING_VERSION, file.mime, width, height, fitting, background, format, quality, page]);
}

/** Whoever asks for what is drawn for somebody else already joins that; so often, when the other one is refused for asking too much. */
const JOINS_MAX = 3;

async function draw(ports: Needs, file: FileRecord, rendition: Rendition, clientIp: string): Promise<Picture> {
  const id = { content: file.sha256, variant: variantOf(file, rendition) };
  for (let joins = 0; ; joins += 1) {
    let isOwn = false;
    try {
      const bytes = await ports.renders.obtain(id, async () => {
        isOwn = true;
        return (await ports.images.render(file, rendition, addressBucket(clientIp))).bytes;
      });
      return { bytes, mime: mimeOf(bytes) };
    } catch (error) {
      const isOthers = !isOwn && error instanceof AppError && error.code === 'REQUEST_RATE_LIMITED';
      if (!isOthers || joins === JOINS_MAX) throw error;
    }
  }
}

/** The type of bytes that we drew ourselves: one of five. */
function mimeOf(bytes: Uint8Array): string {
  switch (bytes[0]) {
    case 0xff:
      return 'image/jpeg';
    case 0x89:
      return 'image/png';
    case 0x52:
      return 'image/webp';
    case 0x47:
      return 'image/gif';
    default:
      return 'image/avif';
  }
}
