// Pictures of files: drawn small for a screen, and looked at for what can be said about them.
import type { JsonObject } from './metadata.ts';

/** The bytes that are drawn or looked at. */
export interface Subject {
  readonly blobId: string;
  /** The type that the bytes were found to have, never a claim. */
  readonly mime: string;
  readonly sizeBytes: number;
}

/** How the sides that were asked for bind the picture; none of them ever enlarges pixels. */
export type Fitting =
  /** The whole picture within the sides. */
  | 'bound'
  /** The middle of the picture in the proportions of the sides, which it fills. */
  | 'crop'
  /** The whole picture on a ground of exactly the sides. */
  | 'pad';

/** The format of the result; `same` keeps the one of the source where a browser can draw it. */
export type RenditionFormat = 'same' | 'jpeg' | 'png' | 'webp' | 'avif';

/** One way to draw a subject. */
export interface Rendition {
  /** Pixels, 1 to `RENDITION_PIXELS_MAX`; without either side the picture keeps its size up to that bound. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly fitting: Fitting;
  /** `#rrggbb` or `#rrggbbaa` behind what is transparent and beside what is padded. */
  readonly background: string | undefined;
  readonly format: RenditionFormat;
  /** 1 to 100. */
  readonly quality: number;
  /** From 1; of a document the page, the last one when it has fewer. */
  readonly page: number;
  /** Of a picture that is cut off or broken inside, what is there is drawn, unless that is refused (RENDITION_FAILED). */
  readonly damaged?: 'drawn' | 'refused';
}

/** The longest side of anything that is drawn. */
export const RENDITION_PIXELS_MAX = 4096;

/** A drawn picture. */
export interface Rendered {
  readonly bytes: Uint8Array;
  readonly mime: string;
  readonly width: number;
  readonly height: number;
}

/**
 * Drawing and looking at foreign content, which may be broken or hostile: it costs bounded time and memory, runs outside of this
 * process, reaches no network and no other file, and nothing active in it (scripts, external references) is ever run.
 * Results are upright, in sRGB and carry no metadata of the source.
 * Raises IMAGE_UNREADABLE when the content cannot be drawn at all - broken, beyond the bounds, of no drawable type, or so that it ends
 * its process -, RENDITION_FAILED when it cannot be drawn in the way that was asked for, IMAGES_BUSY when too much waits already,
 * REQUEST_RATE_LIMITED when it is too much of one asker, FILE_NOT_FOUND when the blob is gone, STORE_UNAVAILABLE.
 */
export interface Images {
  /** Whether `render` may succeed for this type here: some types need a program that this machine may not have. */
  draws(mime: string): boolean;
  /** Whether `examine` has anything to say about this type. */
  examines(mime: string): boolean;
  /** Askers take turns: however much one of them asks for, another waits for that one's next picture only. Each has a bounded number
   *  that may wait, and that may be drawn in a minute. */
  render(subject: Subject, rendition: Rendition, asker: string): Promise<Rendered>;
  /** Facts in the words of the wire contract's `info` (5.1): sides, orientation, colours and the like; bounded in size. Waits
   *  behind everything that is drawn for somebody. */
  examine(subject: Subject): Promise<JsonObject>;
  /** What is there beside the built-in formats, for the log at the start. */
  describe(): { readonly workers: number; readonly ffmpeg: string | undefined };
  /** How many places for work there are and are taken, and what waits for one: because somebody does (`now`), or nobody. */
  load(): {
    readonly workers: number;
    readonly busy: number;
    readonly waiting: { readonly now: number; readonly later: number };
  };
  /** Ends all work under way. Idempotent. */
  close(): Promise<void>;
}

/** The names that the colours of a picture get, by which people search, with the value each stands for. */
export const PICTURE_COLOURS: Readonly<Record<string, readonly [number, number, number]>> = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  gray: [128, 128, 128],
  silver: [192, 192, 192],
  red: [220, 30, 30],
  maroon: [128, 0, 0],
  orange: [255, 140, 0],
  brown: [139, 90, 43],
  yellow: [255, 225, 25],
  olive: [128, 128, 0],
  lime: [130, 230, 30],
  green: [0, 128, 0],
  teal: [0, 128, 128],
  cyan: [0, 220, 230],
  blue: [30, 70, 220],
  navy: [0, 0, 110],
  purple: [128, 0, 128],
  magenta: [230, 30, 200],
  pink: [255, 170, 190],
  beige: [235, 220, 185],
};
