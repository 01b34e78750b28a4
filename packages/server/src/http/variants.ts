// Variants over HTTP (wire contract 5.9): a name, and what the delivery address of the file is asked for.
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { demandOn } from '../operations/files.ts';
import { addVariant, changeVariant, deleteVariants, listVariants, VARIANTS } from '../operations/variants.ts';
import { type FileRecord, fileUuid, type JsonObject } from '../ports/metadata.ts';
import type { VariantRecord } from '../ports/variants.ts';
import { idList, parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { Query } from './query.ts';
import { type Call, route } from './route.ts';
import { cdnAddress, isoTime } from './wire.ts';

const paths = ['/{v}/file/:uuid/variants', '/{v}/files/:uuid/variants'];

const said = {
  variant_name: z.unknown().optional(),
  variant_url: z.string().nullish(),
  variant_query: z.string().nullish(),
};
const newBody = z.object(said);
const changeBody = z.object({ ...said, variant_uuid: z.string().max(64) });
const deleteBody = z.object({ variants_list: idList.min(1) });

export const variantRoutes = [
  route({
    method: 'GET',
    paths,
    operations: ['variant.list'],
    summary: 'Lists the variants of a file, oldest first.',
    async handle(call) {
      const file = await newestOf(call);
      const grant = await call.admit([demandOn('variant.list', [file])]);
      const variants = await listVariants(call.ports, grant, file);
      return { variants: variants.map((variant) => wireVariant(call, file, variant)) };
    },
  }),
  route({
    method: 'POST',
    paths,
    operations: ['variant.write'],
    summary: 'Gives a rendition of a file a name.',
    async handle(call) {
      const body = parseBody(newBody, call.body);
      const input = { name: body.variant_name, query: queryOf(body) };
      const file = await newestOf(call);
      const grant = await call.admit([demandOn('variant.write', [file])]);
      const variant = await addVariant(call.ports, grant, file, input);
      return { action: 'variant_created', variant: wireVariant(call, file, variant) };
    },
  }),
  route({
    method: 'PUT',
    paths,
    operations: ['variant.write'],
    summary: 'Changes the name or the rendition of a variant; what the request does not have stays.',
    async handle(call) {
      const body = parseBody(changeBody, call.body);
      const input = { name: body.variant_name, query: queryOf(body) };
      const file = await newestOf(call);
      const grant = await call.admit([demandOn('variant.write', [file])]);
      const variant = await changeVariant(call.ports, grant, file, body.variant_uuid, input);
      return { action: 'variant_updated', variant: wireVariant(call, file, variant) };
    },
  }),
  route({
    method: 'DELETE',
    paths,
    operations: ['variant.delete'],
    summary: 'Deletes variants of a file, all or none; the file stays.',
    async handle(call) {
      const { variants_list: ids } = parseBody(deleteBody, call.body);
      const file = await newestOf(call);
      const grant = await call.admit([demandOn('variant.delete', [file])]);
      await deleteVariants(call.ports, grant, file, ids);
      return { action: 'variants_deleted', variants_list: [...new Set(ids)] };
    },
  }),
];

/** The file in its newest version, whichever one the address names: that is what variants are drawn from. */
async function newestOf(call: Call): Promise<FileRecord> {
  const file = await fileOf(call, call.params['uuid']);
  if (file.version === file.currentVersion) return file;
  return fileOf(call, fileUuid({ id: file.id, version: file.currentVersion }));
}

/** Parameters that belong to one address or one moment, not to a rendition. */
const PASSING = new Set(['vh', 'sig', 'download', 'force_download', 'ci_url_encoded']);

/**
 * The rendition that a body names, each parameter encoded once. Of an address only what is asked for counts: a variant
 * never leads anywhere but to its file. Undefined when nothing is said. Raises REQUEST_INVALID.
 */
function queryOf({ variant_query, variant_url }: z.infer<typeof newBody>): string | undefined {
  const text = variant_query ?? variant_url ?? undefined;
  if (text === undefined) return undefined;
  const field = typeof variant_query === 'string' ? 'variant_query' : 'variant_url';
  const refuse = (code: string, message: string) =>
    new AppError('REQUEST_INVALID', 'variant', { faults: [{ field, code, message }] });
  if (/\p{C}/u.test(text)) throw refuse('FORMAT_WRONG', 'Parameters of a delivery address are needed here.');
  const asked = askedOf(text);
  const query = Query.parse(`?${asked}`);
  const pairs = query.entries().filter(([name]) => !PASSING.has(name));
  const written = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  if (written.length <= VARIANTS.queryCharactersMax) return written;
  throw refuse('TOO_LARGE', `A variant may have ${VARIANTS.queryCharactersMax} characters of parameters.`);
}

/** What follows the question mark. The widget sends a whole address as the query when nothing is asked of it. */
function askedOf(text: string): string {
  const [plain = ''] = text.split('#', 1);
  const at = plain.indexOf('?');
  if (at >= 0) return plain.slice(at + 1);
  return /^https?:\/\//.test(plain) ? '' : plain;
}

function wireVariant(
  call: Call,
  file: FileRecord,
  { id, name, query, createdAtMs, updatedAtMs }: VariantRecord,
): JsonObject {
  const address = cdnAddress(file, call);
  const url = query === '' ? address : `${address}&${query}`;
  return {
    uuid: id,
    name,
    url,
    preview: url,
    query,
    info: {},
    created_at: isoTime(createdAtMs),
    updated_at: isoTime(updatedAtMs),
  };
}
