// The tagger behind a URL that an admin configures: one bounded JSON question, one bounded JSON answer.
import { AppError } from '../../errors.ts';
import type { SuggestedTag, Tagger, TaggerAnswer, TaggerQuestion } from '../../ports/tagger.ts';

/** Where the tagger is, and how long it may take. */
export interface WebTaggerOptions {
  readonly url: string;
  /** Sent as `Authorization: Bearer`. */
  readonly key: string | undefined;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 256 * 1024;
const TAGS_MAX = 500;
const TEXT_CHARACTERS_MAX = 10_000;

/** The tagger at a URL. The URL is the admin's own choice; whoever answers there sends nobody on to another address. */
export function openWebTagger({ url, key, timeoutMs = TIMEOUT_MS }: WebTaggerOptions): Tagger {
  return {
    async suggest(question, signal) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const ended = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/json',
            ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          },
          body: JSON.stringify(wireQuestion(question)),
          redirect: 'error',
          signal: ended,
        });
        if (response.status !== 200) {
          await response.body?.cancel();
          throw new Error(`it answered ${response.status}`);
        }
        return readAnswer(JSON.parse(await readBounded(response)));
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw new AppError('TAGGER_FAILED', error instanceof Error ? error.message.slice(0, 500) : undefined, {
          cause: error,
        });
      }
    },
  };
}

function wireQuestion(question: TaggerQuestion): object {
  const { wanted, name, mime, sizeBytes, info, content, languages, limit, confidence } = question;
  return {
    wanted,
    file: {
      name,
      type: mime,
      size: sizeBytes,
      info,
      ...(content === undefined ? {} : { content_base64: Buffer.from(content).toString('base64') }),
    },
    languages,
    limit,
    confidence,
  };
}

/** The answer in the port's form. Throws at whatever has another form. */
function readAnswer(body: unknown): TaggerAnswer {
  const { tags, description, translations } = objectOf(body, 'the answer');
  const list = tags ?? [];
  if (!Array.isArray(list) || list.length > TAGS_MAX) throw new Error('its tags are no list, or too many');
  return {
    tags: list.map(readTag),
    description: description === undefined || description === null ? undefined : textOf(description),
    translations: Object.fromEntries(
      Object.entries(objectOf(translations ?? {}, 'translations')).map(([lang, text]) => [lang, textOf(text)]),
    ),
  };
}

/** A label alone, or one with its language and its certainty. */
function readTag(tag: unknown): SuggestedTag {
  if (typeof tag === 'string') return { label: textOf(tag), lang: undefined, confidence: 100 };
  const { label, lang, confidence = 100 } = objectOf(tag, 'a tag');
  if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 100)) {
    throw new Error('its confidence is no number from 0 to 100');
  }
  return { label: textOf(label), lang: lang === undefined || lang === null ? undefined : textOf(lang), confidence };
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>; // Any other object of JSON has texts as keys.
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= TEXT_CHARACTERS_MAX) return value;
  throw new Error('a text is missing or too long');
}

/** The text of the answer. Throws when it has more bytes than an answer may have. */
async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    bytes += part.value.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader?.cancel();
      throw new Error(`its answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(part.value);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}
