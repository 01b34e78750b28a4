// Pictures that look like one, and pictures that a sentence speaks of, over HTTP (wire contract 5.10): both are lists that are asked by POST.
import { ROOT } from '@latchkey/policy';
import { z } from 'zod';
import { demandOn } from '../operations/files.ts';
import { type Found, findLookAlikes, findPictures, SIMILAR } from '../operations/similar.ts';
import { parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFiles } from './shown.ts';

/** What files are named by: the wire knows other ways, the store this one. */
const refKey = z.literal('uuid');

const imageBody = z.object({ ref_key: refKey, ref: z.string().min(1).max(64) });
// Without any text the widget asks, too, and shows nothing.
const textBody = z.object({ ref_key: refKey, text: z.string().max(SIMILAR.textLengthMax) });

export const similarRoutes = [
  route({
    method: 'POST',
    paths: ['/{v}/ml/images/embedding/image'],
    operations: ['file.list'],
    summary: 'Lists the files that look like a picture, the nearest first and without it.',
    async handle(call) {
      const { ref } = parseBody(imageBody, call.body);
      const file = await fileOf(call, ref);
      const grant = await call.admit([demandOn('file.list', [file])]);
      return answered(call, await findLookAlikes(call.ports, grant, file));
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/ml/images/embedding/text'],
    operations: ['file.list'],
    summary: 'Lists the pictures that a sentence speaks of, by their words and main colours, the best first.',
    async handle(call) {
      const { text } = parseBody(textBody, call.body);
      const grant = await call.admit([{ operation: 'file.list', targets: [ROOT] }]);
      return answered(call, await findPictures(call.ports, grant, text));
    },
  }),
];

async function answered(call: Call, { files, warnings }: Found): Promise<object> {
  const shown = await showFiles(
    call,
    files.map(({ file }) => file),
  );
  return { files: files.map(({ relevance }, index) => ({ ...shown[index], relevance })), warnings };
}
