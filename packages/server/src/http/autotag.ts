// Tags and descriptions that nobody has to type, over HTTP (wire contract 5.10).
import { z } from 'zod';
import { AUTOTAG, autotag, describeInWords } from '../operations/autotag.ts';
import { demandOn } from '../operations/files.ts';
import { checkTags, TAG_LANGUAGE } from '../operations/tags.ts';
import { parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { route } from './route.ts';
import { showFile } from './shown.ts';

const LIMIT = 10;
const CONFIDENCE = 60;

const processBody = z.object({
  file: z.object({ uuid: z.string().max(64) }),
  meta: z
    .object({
      languages: z.array(z.string().max(35)).max(AUTOTAG.languagesMax).nullish(),
      limit: z.number().int().min(1).max(AUTOTAG.limitMax).nullish(),
      confidence: z.number().min(0).max(100).nullish(),
    })
    .nullish(),
});

export const autotagRoutes = [
  route({
    method: 'POST',
    paths: ['/{v}/process/autotag'],
    operations: ['file.autotag'],
    summary: 'Adds tags to a file: from what is known of it, and from the tagging service when one is configured.',
    async handle(call) {
      const { file: named, meta } = parseBody(processBody, call.body);
      const languages = languagesOf(meta?.languages);
      const file = await fileOf(call, named.uuid);
      const grant = await call.admit([demandOn('file.autotag', [file])]);
      const wish = { languages, limit: meta?.limit ?? LIMIT, confidence: meta?.confidence ?? CONFIDENCE };
      const changed = await autotag(call.ports, grant, file, wish);
      return { action: 'file_autotagged', file: await showFile(call, changed) };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/process/describe'],
    operations: ['file.describe'],
    summary: 'Describes a file in words, without changing it.',
    async handle(call) {
      const { file: named, meta } = parseBody(processBody, call.body);
      const languages = languagesOf(meta?.languages);
      const file = await fileOf(call, named.uuid);
      const grant = await call.admit([demandOn('file.describe', [file])]);
      return { ...(await describeInWords(call.ports, grant, file, languages)) };
    },
  }),
];

/** The languages asked for, each once. Raises REQUEST_INVALID for what is no language. */
function languagesOf(said: readonly string[] | null | undefined): readonly string[] {
  const languages = said === null || said === undefined || said.length === 0 ? [TAG_LANGUAGE] : [...new Set(said)];
  for (const lang of languages) checkTags({ lang, labels: [] }, 'meta.languages');
  return languages;
}
