// Metadata of files and folders: what may be said, how a change meets what is stored, and who may make it.
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord, FolderRecord, Json, JsonObject } from '../ports/metadata.ts';
import { at } from './files.ts';
import { folderAt } from './folders.ts';
import { type AppliesTo, valueFromText } from './model.ts';
import { authorOf } from './people.ts';
import { valueCheck } from './settings.ts';

type Needs = Pick<Ports, 'descriptions' | 'settings' | 'system'>;

/** Bounds of the metadata of one object; larger documents are refused, never cut. */
export const META = { bytesMax: 64 * 1024, depthMax: 8, keysMax: 500, keyCharactersMax: 255 } as const;

/** A change of metadata as RFC 7396 has it: members replace members, objects are merged, null removes. */
export type MetaChange = JsonObject;

/**
 * Metadata as a caller writes it. Raises REQUEST_INVALID with every fault by field: no object, a key that is empty, too
 * long or holds control characters, values nested too deeply, too many keys.
 */
export function parseMeta(input: unknown, field = 'meta'): MetaChange {
  const faults: FieldFault[] = [];
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    faults.push({ field, code: 'INVALID_TYPE', message: 'An object of metadata keys and values is needed here.' });
  } else {
    const entries = Object.entries(input);
    if (entries.length > META.keysMax) {
      faults.push({ field, code: 'TOO_MANY', message: `No more than ${META.keysMax} keys can be set at once.` });
    }
    for (const [key, value] of entries.slice(0, META.keysMax)) {
      faults.push(...keyFaults(key, field));
      if (!isShallow(value, META.depthMax - 1)) {
        const message = `Values may be nested ${META.depthMax} levels deep.`;
        faults.push({ field: `${field}.${key}`, code: 'TOO_DEEP', message });
      }
    }
  }
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'metadata', { faults });
  // Every value comes from parsed JSON, and an object it is by now.
  return input as MetaChange;
}

/** Changes metadata of files where they are stored: merged, and null removes a key. Raises FILE_NOT_FOUND, REQUEST_INVALID. */
export async function mergeFileMeta(
  ports: Needs,
  grant: Grant<'file.setMeta'>,
  file: FileRecord,
  change: MetaChange,
): Promise<FileRecord> {
  const merge = await metaMerge(ports, grant, 'FILES');
  return describeOne(ports, grant, file, (stored) => merge(stored.meta, change));
}

/** Sets one key of a file to a value that is written as text; the model's field says what it is. Raises as above. */
export async function setFileMetaText(
  ports: Needs,
  grant: Grant<'file.setMeta'>,
  file: FileRecord,
  key: string,
  text: string,
): Promise<FileRecord> {
  const { fieldOf } = await valueCheck(ports, grant, 'FILES');
  const value = valueFromText(fieldOf(key), text);
  return mergeFileMeta(ports, grant, file, parseMeta({ [key]: value }));
}

/** Removes all metadata of a file. Raises FILE_NOT_FOUND, and REQUEST_INVALID when a required field has a value. */
export async function clearFileMeta(ports: Needs, grant: Grant<'file.setMeta'>, file: FileRecord): Promise<FileRecord> {
  const merge = await metaMerge(ports, grant, 'FILES');
  return describeOne(ports, grant, file, (stored) => merge(stored.meta, {}, 'replace'));
}

/** Changes metadata of a folder: `merge` as for files, `replace` puts the change in place of everything there was. Raises
 *  FOLDER_NOT_FOUND, REQUEST_INVALID. */
export async function changeFolderMeta(
  ports: Needs,
  grant: Grant<'folder.setMeta'>,
  folder: FolderRecord,
  change: MetaChange,
  manner: 'merge' | 'replace',
): Promise<FolderRecord> {
  const merge = await metaMerge(ports, grant, 'DIRECTORIES');
  return ports.descriptions.describeFolder(
    grant.container,
    folderAt(folder),
    (stored) => merge(stored, change, manner),
    grant.layers('listing'),
    ports.system.now(),
  );
}

/** How changes of metadata are applied in this container: merged, or in place of all there was, and what they touch checked against the
 *  model. It raises REQUEST_INVALID with every fault. */
export async function metaMerge(
  ports: Pick<Ports, 'settings'>,
  grant: Pick<Grant, 'container'>,
  appliesTo: AppliesTo,
): Promise<(stored: JsonObject, change: MetaChange, manner?: 'merge' | 'replace') => JsonObject> {
  const { check, tidied } = await valueCheck(ports, grant, appliesTo);
  return (stored, change, manner = 'merge') => {
    const meta = tidied(mergedMeta(manner === 'merge' ? stored : {}, change));
    const touched = Object.keys(manner === 'merge' ? change : { ...stored, ...change });
    check(Object.fromEntries(touched.map((key) => [key, meta[key] ?? null])));
    return meta;
  };
}

/** Stored metadata with a change applied (RFC 7396). Raises REQUEST_INVALID when the outcome is too large to be kept. */
export function mergedMeta(stored: JsonObject, change: MetaChange): JsonObject {
  const meta = mergedObject(stored, change);
  const sizeBytes = Buffer.byteLength(JSON.stringify(meta));
  if (sizeBytes > META.bytesMax) {
    const message = `All metadata together may have ${META.bytesMax} bytes of JSON.`;
    throw new AppError('REQUEST_INVALID', 'metadata', {
      faults: [{ field: 'meta', code: 'TOO_LARGE', message }],
      limit: META.bytesMax,
      actual: sizeBytes,
    });
  }
  return meta;
}

async function describeOne(
  ports: Needs,
  grant: Grant<'file.setMeta'>,
  file: FileRecord,
  meta: (stored: FileRecord) => JsonObject,
): Promise<FileRecord> {
  const describe = (stored: FileRecord) => ({ meta: meta(stored) });
  const [changed] = await ports.descriptions.describeFiles(
    grant.container,
    [at(file)],
    describe,
    authorOf(ports, grant),
  );
  if (changed === undefined) throw new TypeError('One file in, one file out.');
  return changed;
}

function mergedObject(stored: JsonObject, change: JsonObject): JsonObject {
  const merged = new Map(Object.entries(stored));
  for (const [key, value] of Object.entries(change)) {
    if (value === null) merged.delete(key);
    else if (isObject(value)) merged.set(key, mergedObject(asObject(merged.get(key)), value));
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function keyFaults(key: string, field: string): readonly FieldFault[] {
  const fault = (code: string, message: string) => [{ field: `${field}.${key}`.slice(0, 300), code, message }];
  if (key.trim() === '') return fault('KEY_EMPTY', 'A metadata key needs a name.');
  if (key.length > META.keyCharactersMax) {
    return fault('KEY_TOO_LONG', `A metadata key may have ${META.keyCharactersMax} characters.`);
  }
  // A control character would break lines of exports and logs; `__proto__` would reach the prototype of careless clients.
  if (/[\p{Cc}\p{Cs}]/u.test(key) || key === '__proto__') {
    return fault('KEY_INVALID', 'A metadata key is plain text without control characters.');
  }
  return [];
}

/** Whether a value has at most so many levels; walked without recursion, since what is asked is how deep it is. */
function isShallow(value: unknown, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return false;
    level = level.flatMap((part) => (typeof part === 'object' && part !== null ? Object.values(part) : []));
  }
  return true;
}
