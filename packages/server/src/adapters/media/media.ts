// Judges what content is by its bytes; the name only refines what bytes cannot tell apart.
import type { Media, MediaType } from '../../ports/media.ts';
import { refineContainer } from './container.ts';
import { recogniseMarkup } from './markup.ts';
import { matchSignature } from './signature.ts';
import { readText, recogniseText } from './text.ts';
import { DATA_TYPES, extensionOf } from './types.ts';

/** How much of the content a caller shows; a shorter head is the whole content. */
const HEAD_BYTES = 64 * 1024;

/** What is known of a piece of content before it is judged. */
export interface Subject {
  readonly head: Uint8Array;
  /** True when the head is all there is, so that what it does not show is not there. */
  readonly isWhole: boolean;
  /** Of the name, lower case, without a dot; undefined when it has none. */
  readonly extension: string | undefined;
  /** The claimed type, lower case, without parameters. */
  readonly claimed: string | undefined;
}

/**
 * Opens content detection. The order is the defence (threat 22): markup first, because a browser that is led to it runs it
 * whatever else the bytes are as well; then signatures; then text, refined by name and claim; then names of formats that have
 * no signature, never of one that has.
 */
export function openMedia(): Media {
  return {
    async detect(head, name, claimed) {
      const subject: Subject = {
        head,
        isWhole: head.length < HEAD_BYTES,
        extension: extensionOf(name),
        claimed: claimed?.split(';', 1)[0]?.trim().toLowerCase(),
      };
      return judgeMarkup(subject) ?? (await judgeSignature(subject)) ?? recogniseText(subject) ?? judgeName(subject);
    },
  };
}

function judgeMarkup(subject: Subject): MediaType | undefined {
  return recogniseMarkup(readText(subject.head), subject);
}

async function judgeSignature(subject: Subject): Promise<MediaType | undefined> {
  const found = await matchSignature(subject);
  return found === undefined ? undefined : refineContainer(found, subject);
}

function judgeName({ head, extension }: Subject): MediaType {
  const mime = extension === undefined || head.length === 0 ? undefined : DATA_TYPES.get(extension);
  if (mime === undefined) return { mime: 'application/octet-stream', extension: undefined, proven: false };
  return { mime, extension, proven: false };
}
