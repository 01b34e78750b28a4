// Container settings: what widgets read at their start, the metadata model among it, and how an admin changes it.
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/metadata.ts';
import type { SettingsRecord } from '../ports/settings.ts';
import { type AppliesTo, type Field, fieldsOf, type Model, parseModel, valueFaults } from './model.ts';

type Needs = Pick<Ports, 'settings'>;

/** All settings of one container may have this many bytes of JSON. */
const SETTINGS_BYTES_MAX = 1024 * 1024;
const PRESETS_MAX = 200;

/** The document as it is stored and answered (wire contract 7.1). */
export type SettingsDocument = {
  readonly settings: {
    readonly _products_enabled: 0 | 1;
    readonly _cdn_permalink_enabled: 0 | 1;
    readonly project_branding: JsonObject;
  };
  readonly metadata: {
    readonly model: Model['parts'];
    readonly strict: boolean;
    readonly store: {
      readonly force_filling_metadata_on_upload: boolean;
      readonly regional_variants_groups: Model['groups'];
    };
  };
  readonly presets: readonly JsonObject[];
  readonly uploads: UploadSettings;
};

/** How files come in. Words, not flags: they decide what the service does on behalf of others. */
export type UploadSettings = {
  /** Whether files may be fetched from URLs that a caller names. */
  readonly from_urls: 'off' | 'on';
  /** Which files make an upload of the same content a duplicate that is not stored again. */
  readonly duplicates: 'name' | 'folder' | 'container' | 'off';
};

/** Settings with what only those who may list the configuration get to know. */
export interface KnownSettings {
  readonly document: SettingsDocument;
  /** 0 until somebody changed them. */
  readonly revision: number;
  readonly updatedAtMs: number | undefined;
}

/** The settings of the container; the defaults until somebody changes them. */
export async function readSettings(
  ports: Needs,
  grant: Grant<'settings.read' | 'settings.inspect'>,
): Promise<KnownSettings> {
  return known(await ports.settings.findSettings(grant.container));
}

/** Puts the input in place of all settings, or changes those members that it has; what only answers have is passed over. Raises
 *  REQUEST_INVALID with every fault, also when there is no input. */
export async function changeSettings(
  ports: Pick<Ports, 'settings' | 'system'>,
  grant: Grant<'settings.change'>,
  input: unknown,
  manner: 'replace' | 'merge',
): Promise<KnownSettings> {
  const record = await ports.settings.changeSettings(
    grant.container,
    (stored) => parseSettings(manner === 'merge' ? laidOver(stored ?? {}, input) : input, () => newId(ports)),
    ports.system.now(),
  );
  ports.system.log.info('settings.changed', { revision: record.revision, by: grant.holder });
  return known(record);
}

/** How files come into the container. */
export async function uploadSettings(ports: Needs, grant: Pick<Grant, 'container'>): Promise<UploadSettings> {
  return known(await ports.settings.findSettings(grant.container)).document.uploads;
}

/** The fields of files, folders and products, with what they describe. */
export function listFields(document: SettingsDocument): readonly (Field & { readonly applies_to: AppliesTo })[] {
  const model = modelOf(document);
  return model.parts.flatMap(({ applies_to }) =>
    fieldsOf(model, applies_to).map((field) => ({ ...field, applies_to })),
  );
}

/** What refuses metadata values that the container's model does not allow: it raises REQUEST_INVALID with every fault. */
export type CheckValues = (values: JsonObject, field?: string) => void;

/** The container's check of metadata values. */
export async function valueCheck(
  ports: Needs,
  grant: Pick<Grant, 'container'>,
  appliesTo: AppliesTo,
): Promise<{
  readonly check: CheckValues;
  fieldOf(key: string): Field | undefined;
  /** The metadata without sets of variants in which none is left: the value is gone then. */
  tidied(meta: JsonObject): JsonObject;
}> {
  const model = modelOf(known(await ports.settings.findSettings(grant.container)).document);
  const regional = fieldsOf(model, appliesTo).filter((field) => field.regional_variants_group_uuid !== null);
  return {
    tidied(meta) {
      const gone = new Set(regional.map(({ ckey }) => ckey).filter((key) => isEmpty(meta[key])));
      return gone.size === 0 ? meta : Object.fromEntries(Object.entries(meta).filter(([key]) => !gone.has(key)));
    },
    check(values, field) {
      const faults = valueFaults(model, appliesTo, values, field);
      if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'metadata values', { faults });
    },
    fieldOf: (key) => fieldsOf(model, appliesTo).find(({ ckey }) => ckey === key),
  };
}

/** The metadata fields of files. */
export async function fileFields(ports: Needs, grant: Pick<Grant, 'container'>): Promise<readonly Field[]> {
  const record = await ports.settings.findSettings(grant.container);
  return record === undefined ? [] : fieldsOf(modelOf(known(record).document), 'FILES');
}

/** The fields of files, for whoever shows values instead of judging them. */
export interface MetadataFields {
  readonly list: readonly Field[];
  byKey(key: string): Field | undefined;
  /** The variants of a regional field, by the names that values use; undefined for every other key. */
  variantsOf(key: string): readonly string[] | undefined;
}

/** The container's fields of files. */
export async function metadataFields(ports: Needs, grant: Pick<Grant, 'container'>): Promise<MetadataFields> {
  const model = modelOf(known(await ports.settings.findSettings(grant.container)).document);
  const list = fieldsOf(model, 'FILES');
  const byKey = new Map(list.map((field) => [field.ckey, field]));
  return {
    list,
    byKey: (key) => byKey.get(key),
    variantsOf: (key) => {
      const group = byKey.get(key)?.regional_variants_group_uuid ?? null;
      return model.groups.find(({ uuid }) => uuid === group)?.variants.map(({ api_value }) => api_value);
    },
  };
}

function modelOf({ metadata }: SettingsDocument): Model {
  return { parts: metadata.model, groups: metadata.store.regional_variants_groups, strict: metadata.strict };
}

/** Widgets keep tags by language and lose those that are typed in when the container knows of none. */
const LANGUAGES: Model['groups'][number] = {
  uuid: 'languages',
  label: 'Languages',
  type: 'FTYPE_LANGUAGES',
  icon: null,
  isRoot: true,
  variants: [{ internal_unique_value: 'en', api_value: 'en', label: 'English' }],
};

const DEFAULTS: SettingsDocument = {
  settings: { _products_enabled: 1, _cdn_permalink_enabled: 0, project_branding: {} },
  metadata: {
    model: [],
    strict: false,
    store: { force_filling_metadata_on_upload: false, regional_variants_groups: [LANGUAGES] },
  },
  presets: [],
  uploads: { from_urls: 'off', duplicates: 'name' },
};

function known(record: SettingsRecord | undefined): KnownSettings {
  return {
    // Only documents parsed below are stored; an older release did not know every member.
    document: { ...DEFAULTS, ...record?.document } as SettingsDocument,
    revision: record?.revision ?? 0,
    updatedAtMs: record?.updatedAtMs,
  };
}

/** Members of answers that are no settings: a client may send back what it has read. */
const ANSWERED = ['status', 'action', 'fs', 'revision', 'updated_at'];

/** A document as a caller writes it, with defaults and identifiers filled in. Raises REQUEST_INVALID with every fault. */
function parseSettings(input: unknown, newIdentifier: () => string): SettingsDocument {
  const faults: FieldFault[] = [];
  const members = (value: unknown, field: string, names: readonly string[]): JsonObject => {
    if (value === undefined) return {};
    if (!isObject(value)) {
      faults.push({ field, code: 'INVALID_TYPE', message: 'An object is needed here.' });
      return {};
    }
    for (const name of Object.keys(value)) {
      if (names.includes(name)) continue;
      const path = field === '' ? name : `${field}.${name}`;
      faults.push({ field: path.slice(0, 300), code: 'MEMBER_UNKNOWN', message: 'There is no such setting.' });
    }
    return value;
  };
  const flag = (value: unknown, field: string, fallback: 0 | 1): 0 | 1 => {
    if (value === undefined || value === null) return fallback;
    if (value === 0 || value === false) return 0;
    if (value === 1 || value === true) return 1;
    faults.push({ field, code: 'INVALID_TYPE', message: '1 or 0 is needed here.' });
    return fallback;
  };
  const word = <const W extends string>(value: unknown, field: string, words: readonly [W, ...W[]]): W => {
    if (value === undefined || value === null) return words[0];
    const found = words.find((one) => one === value);
    if (found === undefined) {
      faults.push({ field, code: 'INVALID_VALUE', message: `One of these is needed here: ${words.join(', ')}.` });
    }
    return found ?? words[0];
  };
  // Nothing is not an empty document: everything would take its default.
  const whole = members(input ?? null, '', ['settings', 'metadata', 'presets', 'uploads', ...ANSWERED]);
  const shown = members(whole['settings'], 'settings', Object.keys(DEFAULTS.settings));
  const metadata = members(whole['metadata'], 'metadata', ['version', 'model', 'strict', 'store']);
  const store = members(metadata['store'], 'metadata.store', Object.keys(DEFAULTS.metadata.store));
  const uploads = members(whole['uploads'], 'uploads', Object.keys(DEFAULTS.uploads));
  const { project_branding: branding, _products_enabled: products, _cdn_permalink_enabled: permalink } = shown;
  if (branding !== undefined && branding !== null && !isObject(branding)) {
    faults.push({ field: 'settings.project_branding', code: 'INVALID_TYPE', message: 'An object is needed here.' });
  }
  const presets = whole['presets'] ?? [];
  const listed =
    Array.isArray(presets) && presets.length <= PRESETS_MAX && presets.every(isObject) ? presets : undefined;
  if (listed === undefined) {
    const message = `A list of at most ${PRESETS_MAX} objects is needed here.`;
    faults.push({ field: 'presets', code: 'INVALID_TYPE', message });
  }
  const { model, strict } = metadata;
  const { regional_variants_groups, force_filling_metadata_on_upload: force } = store;
  const groups = regional_variants_groups ?? DEFAULTS.metadata.store.regional_variants_groups;
  const parsed = parseModel({ model, groups, strict }, faults, newIdentifier);
  const document: SettingsDocument = {
    settings: {
      _products_enabled: flag(products, 'settings._products_enabled', 1),
      _cdn_permalink_enabled: flag(permalink, 'settings._cdn_permalink_enabled', 0),
      project_branding: isObject(branding) ? branding : {},
    },
    metadata: {
      model: parsed.parts,
      strict: parsed.strict,
      store: {
        force_filling_metadata_on_upload: flag(force, 'metadata.store.force_filling_metadata_on_upload', 0) === 1,
        regional_variants_groups: parsed.groups,
      },
    },
    presets: listed ?? [],
    uploads: {
      from_urls: word(uploads['from_urls'], 'uploads.from_urls', ['off', 'on']),
      duplicates: word(uploads['duplicates'], 'uploads.duplicates', ['name', 'folder', 'container', 'off']),
    },
  };
  if (Buffer.byteLength(JSON.stringify(document)) > SETTINGS_BYTES_MAX) {
    const message = `All settings together may have ${SETTINGS_BYTES_MAX} bytes of JSON.`;
    faults.push({ field: '', code: 'TOO_LARGE', message });
  }
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'settings', { faults });
  return document;
}

/** The stored document with the members of the input in their places: objects of settings are merged, lists replaced. */
function laidOver(stored: JsonObject, input: unknown): unknown {
  if (!isObject(input)) return input;
  const inside = (name: string, within: unknown, over: unknown): unknown =>
    isObject(within) && isObject(over) && name !== 'project_branding' ? laidOver(within, over) : over;
  const changed = Object.entries(input).map(([name, value]) => [name, inside(name, stored[name], value)]);
  return { ...stored, ...Object.fromEntries(changed) };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function newId(ports: Pick<Ports, 'system'>): string {
  return Buffer.from(ports.system.random(16)).toString('hex');
}
