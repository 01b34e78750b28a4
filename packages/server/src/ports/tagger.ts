// Suggesting tags and descriptions: a service of somebody else that looks at files, when an admin names one.
import type { JsonObject } from './metadata.ts';

/** What a tagger is told of a file. Nothing of who asks, and no key, is ever part of it. */
export interface TaggerQuestion {
  /** `tags` for suggestions of tags, `description` for a text. */
  readonly wanted: 'tags' | 'description';
  readonly name: string;
  readonly mime: string;
  readonly sizeBytes: number;
  /** The facts of the file. */
  readonly info: JsonObject;
  /** The bytes, when there are few enough of them to be sent along. */
  readonly content: Uint8Array | undefined;
  /** Languages that are wished for, the most important first. */
  readonly languages: readonly string[];
  readonly limit: number;
  /** 0-100: what is less certain is not wanted. */
  readonly confidence: number;
}

/** A tag that a tagger suggests, as it came: nothing about it has been checked but its form. */
export interface SuggestedTag {
  readonly lang: string | undefined;
  readonly label: string;
  /** 0-100. */
  readonly confidence: number;
}

/** What a tagger answers. */
export interface TaggerAnswer {
  readonly tags: readonly SuggestedTag[];
  readonly description: string | undefined;
  /** The description by language. */
  readonly translations: Readonly<Record<string, string>>;
}

/** Asks for suggestions. */
export interface Tagger {
  /** One question, one answer; every wait and every size is bounded. Raises TAGGER_FAILED when it does not answer, or not in
   *  a form that can be read. `signal` ends it at any time; then it rejects with the signal's reason. */
  suggest(question: TaggerQuestion, signal?: AbortSignal): Promise<TaggerAnswer>;
}
