// Descriptions of many files as a table: what its columns say, and how a changed table changes the files.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { FileDescription } from '../ports/descriptions.ts';
import type { Ports } from '../ports/index.ts';
import { type FileRecord, fileUuid, type Json, type JsonObject } from '../ports/metadata.ts';
import { at } from './files.ts';
import { mergedMeta, parseMeta } from './meta.ts';
import type { Field } from './model.ts';
import type { Picked } from './objects.ts';
import { authorOf } from './people.ts';
import { parsePlace } from './products.ts';
import { eachSelected } from './selection.ts';
import { type MetadataFields, metadataFields, valueCheck } from './settings.ts';
import { joinList, metaCell, metaFromCell, splitList } from './table-cells.ts';
import { boundFaults, checkTags, type Tag, tagSid, withLanguage } from './tags.ts';
import { getTask, ownerOf, TASK_TTL_MS } from './tasks.ts';
import { type SelectionName, shownMeta, type View } from './views.ts';

/** Bounds of one table. */
export const TABLE = { rowsMax: 10_000, columnsMax: 1_000, cellsBytesMax: 64 * 1024 * 1024, messagesMax: 200 } as const;

/** The operations that a changed table may need. */
export type TableOperation = 'file.setMeta' | 'file.setTags' | 'file.setProduct';

/** One column of a table. */
export type Column =
  /** Shown, and not read back. */
  | { readonly kind: 'fact'; readonly header: string }
  | { readonly kind: 'product'; readonly header: 'product_ref' | 'product_position' }
  | { readonly kind: 'tags'; readonly header: string; readonly lang: string }
  /** `variant` is set for one value of a regional field. */
  | { readonly kind: 'meta'; readonly header: string; readonly key: string; readonly variant?: string };

/** What a table says of one file; enough for all of its cells. */
type Described = Pick<
  FileRecord,
  | 'id'
  | 'version'
  | 'name'
  | 'folderPath'
  | 'mime'
  | 'sizeBytes'
  | 'sha1'
  | 'isPublic'
  | 'createdAtMs'
  | 'modifiedAtMs'
  | 'productRef'
  | 'productPosition'
  | 'meta'
  | 'tags'
>;

const FACTS: Readonly<Record<string, (file: Described) => string>> = {
  uuid: (file) => fileUuid(file),
  name: (file) => file.name,
  folder: (file) => file.folderPath,
  type: (file) => file.mime,
  size_bytes: (file) => String(file.sizeBytes),
  sha1: (file) => file.sha1,
  visibility: (file) => (file.isPublic ? 'public' : 'not_public'),
  created_at: (file) => new Date(file.createdAtMs).toISOString(),
  modified_at: (file) => new Date(file.modifiedAtMs).toISOString(),
};

/** Which columns a table has beside the facts and the product: all metadata that the files have, and with `model` every field. */
export interface TableWish {
  readonly recursive: boolean;
  readonly limit: number;
  readonly meta: 'none' | 'present' | 'model';
  readonly tags: boolean;
}

/** A table: the first row holds the names of the columns. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: Iterable<readonly string[]>;
}

/** The table of the selected files that the grant lets be seen. Raises REQUEST_INVALID when it would be too large. */
export async function exportTable(
  ports: Pick<Ports, 'metadata' | 'settings'>,
  grant: Grant<'file.export'>,
  picked: Picked,
  wish: TableWish,
): Promise<Table> {
  const fields = await metadataFields(ports, grant);
  const { files, take } = gathering();
  const bounds = { recursive: wish.recursive, filesMax: Number.POSITIVE_INFINITY, limit: wish.limit };
  await eachSelected(ports, grant.container, grant.layers('listing'), picked, bounds, take);
  return tableOf(files, fields, wish);
}

/** A page of a list as a table, with all that its files have, in the way that the reader wishes to see it. Raises REQUEST_INVALID when it would be
 *  too large. */
export async function tabulate(
  ports: Pick<Ports, 'settings'>,
  grant: Grant<'file.list'>,
  listed: readonly FileRecord[],
  { selections, variants }: Pick<View, 'selections' | 'variants'>,
): Promise<Table> {
  const fields = await metadataFields(ports, grant);
  const { files, take } = gathering();
  // One variant alone is a value, which has one column.
  for (const file of listed)
    take(variants === undefined ? file : { ...file, meta: shownMeta(file.meta, fields, { variants }) });
  return tableOf(files, fields, { meta: 'present', tags: true }, selections);
}

/** Keeps what a table says of files, and refuses to keep more than its bound. */
function gathering(): { readonly files: readonly Described[]; take(file: FileRecord): void } {
  const files: Described[] = [];
  let size = 0;
  const take = (file: FileRecord) => {
    const { meta, tags } = file;
    size += JSON.stringify(meta).length + JSON.stringify(tags).length;
    if (size > TABLE.cellsBytesMax) throw tooLarge();
    const { id, version, name, folderPath, mime, sizeBytes, sha1, isPublic } = file;
    const { createdAtMs, modifiedAtMs, productRef, productPosition } = file;
    const facts = { id, version, name, folderPath, mime, sizeBytes, sha1, isPublic, createdAtMs, modifiedAtMs };
    files.push({ ...facts, productRef, productPosition, meta, tags });
  };
  return { files, take };
}

function tableOf(
  files: readonly Described[],
  fields: MetadataFields,
  wish: Pick<TableWish, 'meta' | 'tags'>,
  selections?: SelectionName,
): Table {
  const columns = columnsFor(files, fields, wish);
  if (columns.length > TABLE.columnsMax) throw tooLarge();
  return { header: columns.map(({ header }) => header), rows: rowsOf(files, columns, fields, selections) };
}

function* rowsOf(
  files: readonly Described[],
  columns: readonly Column[],
  fields: MetadataFields,
  selections: SelectionName | undefined,
) {
  for (const file of files) yield columns.map((column) => cellOf(file, column, fields, selections));
}

function columnsFor(
  files: readonly Described[],
  fields: MetadataFields,
  wish: Pick<TableWish, 'meta' | 'tags'>,
): readonly Column[] {
  const columns = new Map<string, Column>();
  const add = (column: Column) => {
    columns.set(column.header, column);
  };
  for (const header of Object.keys(FACTS)) add({ kind: 'fact', header });
  add({ kind: 'product', header: 'product_ref' });
  add({ kind: 'product', header: 'product_position' });
  if (wish.tags) {
    const languages = new Set(files.flatMap(({ tags }) => Object.keys(tags)));
    for (const lang of [...languages].sort()) add({ kind: 'tags', header: `tags.${lang}`, lang });
  }
  if (wish.meta === 'model')
    for (const field of fields.list) for (const column of columnsOfField(field, fields)) add(column);
  if (wish.meta !== 'none') {
    const found = new Map<string, Column>();
    for (const { meta } of files) {
      for (const [key, value] of Object.entries(meta)) {
        const variants = fields.variantsOf(key) !== undefined && isObject(value) ? Object.keys(value) : [undefined];
        for (const variant of variants) {
          const column = metaColumn(key, variant);
          found.set(column.header, column);
        }
      }
    }
    for (const header of [...found.keys()].sort()) {
      const column = found.get(header);
      if (column !== undefined) add(column);
    }
  }
  return [...columns.values()];
}

function columnsOfField({ ckey }: Field, fields: MetadataFields): readonly Column[] {
  const variants = fields.variantsOf(ckey);
  return variants === undefined ? [metaColumn(ckey)] : variants.map((variant) => metaColumn(ckey, variant));
}

/** A name that reads like something else is written as a JSON text. */
function metaColumn(key: string, variant?: string): Column {
  const name = (text: string) => (/["[\]]/.test(text) ? JSON.stringify(text) : text);
  const header = `meta.${name(key)}${variant === undefined ? '' : `[${name(variant)}]`}`;
  return variant === undefined ? { kind: 'meta', header, key } : { kind: 'meta', header, key, variant };
}

const META_HEADER = /^meta\.(?<key>"(?:[^"\\]|\\.)*"|[^"[\]]+)(?:\[(?<variant>"(?:[^"\\]|\\.)*"|[^"[\]]+)\])?$/su;

/** The column of that name; undefined when there can be none. */
function columnOf(header: string): Column | undefined {
  if (Object.hasOwn(FACTS, header)) return { kind: 'fact', header };
  if (header === 'product_ref' || header === 'product_position') return { kind: 'product', header };
  const lang = /^tags\.(?<lang>[A-Za-z0-9_-]+)$/.exec(header)?.groups?.['lang'];
  if (lang !== undefined) return { kind: 'tags', header, lang };
  const parts = META_HEADER.exec(header)?.groups;
  const [key, variant] = [nameIn(parts?.['key']), nameIn(parts?.['variant'])];
  return key === undefined ? undefined : metaColumn(key, variant);
}

function nameIn(text: string | undefined): string | undefined {
  if (text === undefined || !text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined; // Reads like a JSON text and is none: no column has such a name.
  }
}

/** What the column says of the file; half characters, which no file can hold, are replaced as they are on the way out. */
function cellOf(file: Described, column: Column, fields: MetadataFields, selections?: SelectionName): string {
  return Buffer.from(rawCell(file, column, fields, selections)).toString();
}

function rawCell(file: Described, column: Column, fields: MetadataFields, selections?: SelectionName): string {
  switch (column.kind) {
    case 'fact':
      return FACTS[column.header]?.(file) ?? '';
    case 'product':
      return column.header === 'product_ref' ? (file.productRef ?? '') : String(file.productPosition ?? '');
    case 'tags':
      return joinList(tagsIn(file.tags, column.lang).map(({ label }) => label));
    case 'meta':
      return metaCell(fields.byKey(column.key), valueIn(file.meta, column), selections);
  }
}

function tagsIn(tags: JsonObject, lang: string): readonly Tag[] {
  return (tags as Readonly<Record<string, readonly Tag[]>>)[lang] ?? []; // Only tags are stored there.
}

function valueIn(meta: JsonObject, { key, variant }: { readonly key: string; readonly variant?: string }): Json {
  const value = Object.hasOwn(meta, key) ? (meta[key] ?? null) : null;
  if (variant === undefined) return value;
  return isObject(value) && Object.hasOwn(value, variant) ? (value[variant] ?? null) : null;
}

/** A table on its way in: which columns it has, and what it says of which file. */
export interface GivenTable {
  readonly columns: readonly Column[];
  readonly rows: readonly GivenRow[];
  /** The operations that its columns demand on every file. */
  readonly operations: readonly TableOperation[];
}

interface GivenRow {
  /** Where it stands in the table, as spreadsheets count. */
  readonly number: number;
  readonly uuid: string;
  readonly cells: readonly string[];
}

/** A table as a caller wrote it. Raises REQUEST_INVALID with every fault of its form: columns, and the lengths of rows. */
export function parseTable(header: readonly string[], rows: readonly (readonly string[])[]): GivenTable {
  const faults: FieldFault[] = [];
  const columns = header.flatMap((name, i): readonly Column[] => {
    const column = columnOf(name);
    if (column !== undefined && header.indexOf(name) === i) return [column];
    const field = `column ${i + 1}`;
    const shown = JSON.stringify(name.slice(0, 100));
    faults.push(
      column === undefined
        ? { field, code: 'COLUMN_UNKNOWN', message: `There is no column ${shown}.` }
        : { field, code: 'REPEATED', message: `The column ${shown} stands here more than once.` },
    );
    return [];
  });
  const uuidAt = header.indexOf('uuid');
  if (uuidAt < 0) faults.push({ field: 'uuid', code: 'MISSING', message: 'A table needs the column uuid.' });
  const operations = operationsOf(columns);
  if (faults.length === 0 && operations.length === 0) {
    const message = 'No column of the table can be changed: it needs one of meta, tags or product.';
    faults.push({ field: 'header', code: 'NOTHING_TO_CHANGE', message });
  }
  rows.forEach((cells, i) => {
    if (cells.length === header.length || faults.length >= TABLE.messagesMax) return;
    const message = `Row ${i + 2} has ${cells.length} cells, the first row has ${header.length}.`;
    faults.push({ field: `row ${i + 2}`, code: 'ROW_LENGTH', message });
  });
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'table', { faults });
  return {
    columns,
    operations,
    rows: rows.map((cells, i) => ({ number: i + 2, uuid: cells[uuidAt] ?? '', cells })),
  };
}

function operationsOf(columns: readonly Column[]): readonly TableOperation[] {
  const kinds = new Set(columns.map(({ kind }) => kind));
  return [
    ...(kinds.has('meta') ? (['file.setMeta'] as const) : []),
    ...(kinds.has('tags') ? (['file.setTags'] as const) : []),
    ...(kinds.has('product') ? (['file.setProduct'] as const) : []),
  ];
}

/** How an update by table went (wire contract 5.10). */
export type Outcome = {
  readonly task_status: 'done' | 'VALIDATION_ERROR';
  readonly task_percent: number;
  /** One sentence for each fault. */
  readonly messages: readonly string[];
  readonly rows_count: number;
  readonly changed_files_count: number;
};

/**
 * Changes the files as the table says: all of them in one transaction, or none when anything in it cannot be. A cell that says
 * what is stored changes nothing; an empty one takes away. `files` are those the caller may know of, by id; the grant covers
 * their folders. Answers the id of a task that tells the outcome for an hour.
 */
export async function applyTable(
  ports: Pick<Ports, 'descriptions' | 'settings' | 'tasks' | 'system'>,
  grant: Grant<TableOperation>,
  table: GivenTable,
  files: ReadonlyMap<string, FileRecord>,
): Promise<string> {
  const fields = await metadataFields(ports, grant);
  const judge = await valueCheck(ports, grant, 'FILES');
  const change = (file: FileRecord, row: GivenRow) => changeOf(file, row, table.columns, fields, judge);
  const messages: string[] = [];
  const rows = new Map<string, GivenRow>();
  const changed: FileRecord[] = [];
  for (const row of table.rows) {
    const file = files.get(row.uuid.slice(0, -4));
    if (file === undefined || fileUuid(file).length !== row.uuid.length) {
      messages.push(`Row ${row.number}: there is no such file.`);
    } else if (rows.has(file.id)) {
      messages.push(`Row ${row.number}: the file stands in row ${rows.get(file.id)?.number} already.`);
    } else {
      rows.set(file.id, row);
      const { description, faults } = change(file, row);
      messages.push(...faults.map(({ field, message }) => `Row ${row.number}, ${field}: ${message}`));
      if (description !== undefined) changed.push(file);
    }
  }
  if (messages.length === 0 && changed.length > 0) {
    const describe = (stored: FileRecord): FileDescription => {
      const row = rows.get(stored.id);
      if (row === undefined) throw new TypeError('Only files of the table are changed.');
      // Judged anew with what is stored by now.
      const { description, faults } = change(stored, row);
      const [first] = faults;
      if (first !== undefined) throw new AppError('REQUEST_INVALID', `row ${row.number}`, { faults });
      return description ?? {};
    };
    try {
      await ports.descriptions.describeFiles(grant.container, changed.map(at), describe, authorOf(ports, grant));
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'STORE_UNAVAILABLE') throw error;
      messages.push('A file was changed, moved or deleted in the meantime. Nothing was changed; export again.');
    }
  }
  const isDone = messages.length === 0;
  return keepOutcome(ports, grant, {
    task_status: isDone ? 'done' : 'VALIDATION_ERROR',
    task_percent: 100,
    messages:
      messages.length <= TABLE.messagesMax
        ? messages
        : [...messages.slice(0, TABLE.messagesMax), `And ${messages.length - TABLE.messagesMax} more.`],
    rows_count: table.rows.length,
    changed_files_count: isDone ? changed.length : 0,
  });
}

/** How an update went. Raises TASK_NOT_FOUND. */
export async function tableOutcome(
  ports: Pick<Ports, 'tasks' | 'system'>,
  grant: Grant<TableOperation>,
  id: string,
): Promise<Outcome> {
  return (await getTask(ports, grant, 'table', id)).document as Outcome; // Only outcomes are kept.
}

async function keepOutcome(
  ports: Pick<Ports, 'tasks' | 'system'>,
  grant: Grant<TableOperation>,
  document: Outcome,
): Promise<string> {
  const id = randomUUID();
  const { container } = grant;
  const nowMs = ports.system.now();
  const expiresAtMs = nowMs + TASK_TTL_MS;
  await ports.tasks.createTask({ id, container, kind: 'table', owner: ownerOf(grant), document, expiresAtMs }, nowMs);
  return id;
}

/** What a row changes on a file; no description when it says what is stored already. */
function changeOf(
  file: FileRecord,
  row: GivenRow,
  columns: readonly Column[],
  fields: MetadataFields,
  { check, tidied }: Awaited<ReturnType<typeof valueCheck>>,
): { readonly description: FileDescription | undefined; readonly faults: readonly FieldFault[] } {
  const faults: FieldFault[] = [];
  let { meta, tags } = file;
  const touched = new Set<string>();
  const place: { ref?: string; position?: string } = {};
  columns.forEach((column, i) => {
    const cell = row.cells[i] ?? '';
    if (column.kind === 'fact' || cell === cellOf(file, column, fields)) return;
    if (column.kind === 'meta') {
      meta = withValue(meta, column, metaFromCell(fields.byKey(column.key), cell));
      touched.add(column.key);
    } else if (column.kind === 'tags') {
      const labels = splitList(cell);
      faults.push(...faultsOf(() => checkTags({ lang: column.lang, labels }, column.header)));
      tags = withLanguage(tags, column.lang, tagsNamed(labels, tagsIn(file.tags, column.lang)));
    } else if (column.header === 'product_ref') place.ref = cell;
    else place.position = cell;
  });
  const description: { -readonly [Name in keyof FileDescription]: FileDescription[Name] } = {};
  if (touched.size > 0) {
    meta = tidied(meta);
    const values = Object.fromEntries([...touched].map((key) => [key, meta[key] ?? null]));
    faults.push(...faultsOf(() => parseMeta(values)), ...faultsOf(() => check(values)));
    faults.push(
      ...faultsOf(() => {
        description.meta = mergedMeta({}, meta);
      }),
    );
  }
  if (tags !== file.tags) {
    description.tags = tags;
    faults.push(...boundFaults(tags, 'tags'));
  }
  if (place.ref !== undefined || place.position !== undefined) {
    faults.push(...faultsOf(() => Object.assign(description, placeOf(file, place))));
  }
  return { description: Object.keys(description).length === 0 ? undefined : description, faults };
}

function withValue(meta: JsonObject, column: Column & { readonly kind: 'meta' }, value: Json): JsonObject {
  const { key, variant } = column;
  if (variant === undefined) return { ...meta, [key]: value };
  const stored = valueIn(meta, { key });
  const { [variant]: _replaced, ...others } = isObject(stored) ? stored : {};
  return { ...meta, [key]: value === null ? others : { ...others, [variant]: value } };
}

/** Tags by their labels; those the file has keep their ids. */
function tagsNamed(labels: readonly string[], own: readonly Tag[]): readonly Tag[] {
  const tags = labels.map((label) => own.find((tag) => tag.label === label) ?? { sid: tagSid(label), label });
  return [...new Map(tags.map((tag) => [tag.sid, tag])).values()];
}

function placeOf(file: FileRecord, said: { readonly ref?: string; readonly position?: string }): FileDescription {
  const { ref, position } = parsePlace(
    { ref: said.ref ?? file.productRef, position: said.position ?? file.productPosition },
    'product',
  );
  if (ref === undefined && said.position !== undefined && said.position !== '') {
    const message = 'A position needs a product reference.';
    throw new AppError('REQUEST_INVALID', 'product', {
      faults: [{ field: 'product_position', code: 'PRODUCT_MISSING', message }],
    });
  }
  return { productRef: ref, productPosition: ref === undefined ? undefined : position };
}

function faultsOf(attempt: () => unknown): readonly FieldFault[] {
  try {
    attempt();
    return [];
  } catch (error) {
    if (error instanceof AppError) return error.facts.faults ?? [];
    throw error;
  }
}

function tooLarge(): AppError {
  const message = `A table may have ${TABLE.columnsMax} columns and ${TABLE.cellsBytesMax} bytes. Export fewer files at once.`;
  return new AppError('REQUEST_INVALID', 'table', { faults: [{ field: 'limit', code: 'TOO_LARGE', message }] });
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
