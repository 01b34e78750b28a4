// The metadata model: which fields files, folders and products have, and what their values look like (wire contract 7.2, 7.4).
import type { FieldFault } from '../errors.ts';
import type { Json, JsonObject } from '../ports/metadata.ts';

/** What a field holds. */
export const FIELD_TYPES = [
  'text',
  'textarea',
  'numeric',
  'decimal2',
  'integer-list',
  'boolean',
  'date',
  'select-one',
  'multi-select',
  'tags',
  'geopoint',
  'attachment-uri',
  'attachments-assets',
  'asset-attachments',
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** What the fields of a part of the model describe. */
export const APPLIES_TO = ['FILES', 'DIRECTORIES', 'PRODUCTS'] as const;
export type AppliesTo = (typeof APPLIES_TO)[number];

const GROUP_TYPES = ['FTYPE_LANGUAGES', 'FTYPE_CURRENCIES', 'FTYPE_CUSTOM'] as const;

/** One of the values of a selection, or one variant of a regional group. */
export type Option = {
  readonly internal_unique_value: string;
  readonly api_value: string;
  readonly label: string;
};

/** A field, under its names of all generations. */
export type Field = JsonObject & {
  readonly uuid: string;
  readonly key: string;
  /** The name that metadata uses. */
  readonly ckey: string;
  readonly type: FieldType;
  readonly required: 0 | 1;
  readonly possible_values: readonly Option[];
  readonly regional_variants_group_uuid: string | null;
};

/** The parts of the model with their groups of fields. */
export type ModelPart = {
  readonly applies_to: AppliesTo;
  readonly groups: readonly {
    readonly uuid: string;
    readonly name: string;
    readonly ckey: string;
    readonly isRoot: boolean;
    readonly fields: readonly Field[];
  }[];
};

/** Languages, currencies or other variants that a regional field has one value for each of. */
export type VariantGroup = {
  readonly uuid: string;
  readonly label: string;
  readonly type: (typeof GROUP_TYPES)[number];
  readonly icon: string | null;
  readonly isRoot: boolean;
  readonly variants: readonly Option[];
};

/** The whole model. */
export type Model = {
  readonly parts: readonly ModelPart[];
  readonly groups: readonly VariantGroup[];
  /** Refuses keys that no field has; otherwise they may hold anything. */
  readonly strict: boolean;
};

/** Bounds of a model. */
const MODEL = { fieldsMax: 500, groupsMax: 100, optionsMax: 1000, textMax: 1000 } as const;
/** Members of a field that clients read and the service only keeps. */
const KEPT = ['permissions', 'permission_delivery', 'validation', 'model', 'mapping', 'hide'] as const;
const NUMERIC_MAX = 1_999_999_999;

/** Makes the identifiers that an input leaves out: 32 hex digits. */
export type NewId = () => string;

/** Reads unknown input and gathers what is wrong with it by field path. */
class Reader {
  readonly faults: FieldFault[];
  readonly newId: NewId;

  constructor(faults: FieldFault[], newId: NewId) {
    this.faults = faults;
    this.newId = newId;
  }

  fault(field: string, code: string, message: string): undefined {
    this.faults.push({ field, code, message });
    return undefined;
  }

  object(input: unknown, field: string): JsonObject {
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as JsonObject; // Parsed JSON.
    this.fault(field, 'INVALID_TYPE', 'An object is needed here.');
    return {};
  }

  list(input: unknown, field: string, max: number): readonly unknown[] {
    if (input === undefined || input === null) return [];
    if (!Array.isArray(input)) {
      this.fault(field, 'INVALID_TYPE', 'A list is needed here.');
      return [];
    }
    if (input.length > max) this.fault(field, 'TOO_MANY', `No more than ${max} entries are possible.`);
    return input.slice(0, max);
  }

  text(input: unknown, field: string, fallback?: string): string {
    if ((input === undefined || input === null) && fallback !== undefined) return fallback;
    if (typeof input !== 'string') {
      this.fault(field, 'INVALID_TYPE', 'A text is needed here.');
    } else if ((input.trim() === '' && fallback !== '') || input.length > MODEL.textMax || /\p{Cs}/u.test(input)) {
      this.fault(field, 'TEXT_INVALID', `A text of 1 to ${MODEL.textMax} characters is needed here.`);
    } else {
      return input;
    }
    return fallback ?? '';
  }

  word<const T extends string>(input: unknown, field: string, words: readonly T[], fallback: T): T {
    const word = words.find((known) => known === input);
    if (word === undefined) this.fault(field, 'VALUE_UNKNOWN', `One of these is needed here: ${words.join(', ')}.`);
    return word ?? fallback;
  }

  flag(input: unknown, field: string, fallback: boolean): boolean {
    if (input === undefined || input === null) return fallback;
    if (input === true || input === 1) return true;
    if (input === false || input === 0) return false;
    this.fault(field, 'INVALID_TYPE', 'true, false, 1 or 0 is needed here.');
    return fallback;
  }

  unique<T>(items: readonly T[], name: (item: T) => string, field: (index: number) => string): void {
    const seen = new Set<string>();
    items.forEach((item, i) => {
      if (seen.has(name(item))) this.fault(field(i), 'REPEATED', 'This stands here more than once.');
      seen.add(name(item));
    });
  }
}

/** The model of a settings document, identifiers filled in. Every fault goes to `faults`, by field path. */
export function parseModel(
  input: { readonly model: unknown; readonly groups: unknown; readonly strict: unknown },
  faults: FieldFault[],
  newId: NewId,
): Model {
  const reader = new Reader(faults, newId);
  const groupsField = 'metadata.store.regional_variants_groups';
  const groups = reader
    .list(input.groups, groupsField, MODEL.groupsMax)
    .map((group, i) => parseGroup(reader, group, `${groupsField}[${i}]`));
  reader.unique(
    groups,
    ({ uuid }) => uuid,
    (i) => `${groupsField}[${i}].uuid`,
  );
  const groupIds = new Set(groups.map(({ uuid }) => uuid));
  const parts = reader
    .list(input.model, 'metadata.model', APPLIES_TO.length)
    .map((part, i) => parsePart(reader, part, `metadata.model[${i}]`, groupIds));
  reader.unique(
    parts,
    (part) => part.applies_to,
    (i) => `metadata.model[${i}].applies_to`,
  );
  return { parts, groups, strict: reader.flag(input.strict, 'metadata.strict', false) };
}

function parseGroup(reader: Reader, input: unknown, field: string): VariantGroup {
  const said = reader.object(input, field);
  const variants = parseOptions(reader, said['variants'], `${field}.variants`, 'var');
  // Widgets read the first variant without asking whether there is one.
  if (variants.length === 0) reader.fault(`${field}.variants`, 'LIST_EMPTY', 'A group needs at least one variant.');
  return {
    uuid: reader.text(said['uuid'], `${field}.uuid`, reader.newId()),
    label: reader.text(said['label'], `${field}.label`),
    type: reader.word(said['type'], `${field}.type`, GROUP_TYPES, 'FTYPE_CUSTOM'),
    icon: typeof said['icon'] === 'string' ? said['icon'] : null,
    isRoot: reader.flag(said['isRoot'], `${field}.isRoot`, false),
    variants,
  };
}

function parsePart(reader: Reader, input: unknown, field: string, groupIds: ReadonlySet<string>): ModelPart {
  const said = reader.object(input, field);
  const paths: string[] = [];
  const groups = reader.list(said['groups'], `${field}.groups`, MODEL.groupsMax).map((group, i) => {
    const path = `${field}.groups[${i}]`;
    const members = reader.object(group, path);
    const fields = reader.list(members['fields'], `${path}.fields`, MODEL.fieldsMax).map((one, j) => {
      paths.push(`${path}.fields[${j}]`);
      return parseField(reader, one, `${path}.fields[${j}]`, groupIds);
    });
    return {
      uuid: reader.text(members['uuid'], `${path}.uuid`, reader.newId()),
      name: reader.text(members['name'], `${path}.name`),
      ckey: reader.text(members['ckey'], `${path}.ckey`, i === 0 ? 'root' : `group_${i}`),
      isRoot: reader.flag(members['isRoot'], `${path}.isRoot`, i === 0),
      fields,
    };
  });
  const fields = groups.flatMap((group) => group.fields);
  for (const name of ['uuid', 'ckey'] as const) {
    reader.unique(
      fields,
      (one) => one[name],
      (i) => `${paths[i] ?? field}.${name}`,
    );
  }
  return { applies_to: reader.word(said['applies_to'], `${field}.applies_to`, APPLIES_TO, 'FILES'), groups };
}

function parseField(reader: Reader, input: unknown, field: string, groupIds: ReadonlySet<string>): Field {
  const said = reader.object(input, field);
  const key = reader.text(said['key'] ?? said['ckey'], `${field}.key`);
  const ckey = reader.text(said['ckey'], `${field}.ckey`, key);
  const type = reader.word(said['type'], `${field}.type`, FIELD_TYPES, 'text');
  const options = parseOptions(reader, said['possible_values'], `${field}.possible_values`, 'itm');
  const isSelection = type === 'select-one' || type === 'multi-select';
  if (isSelection && options.length === 0) {
    reader.fault(`${field}.possible_values`, 'LIST_EMPTY', 'A selection needs at least one possible value.');
  }
  const group = said['regional_variants_group_uuid'] ?? null;
  if (group !== null && (typeof group !== 'string' || !groupIds.has(group))) {
    reader.fault(`${field}.regional_variants_group_uuid`, 'GROUP_UNKNOWN', 'There is no such group of variants.');
  } else if (group !== null && type === 'multi-select') {
    reader.fault(`${field}.regional_variants_group_uuid`, 'NOT_REGIONAL', 'A multi-select has no regional variants.');
  }
  const api = reader.text(said['api_key'] ?? said['apiKey'], `${field}.api_key`, ckey);
  const kept = KEPT.flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]] as const]));
  return {
    ...Object.fromEntries(kept),
    uuid: reader.text(said['uuid'], `${field}.uuid`, reader.newId()),
    key,
    ckey,
    api_key: api,
    apiKey: api,
    title: reader.text(said['title'], `${field}.title`, key),
    placeholder: reader.text(said['placeholder'], `${field}.placeholder`, ''),
    hint: reader.text(said['hint'], `${field}.hint`, ''),
    icon: reader.text(said['icon'], `${field}.icon`, ''),
    type,
    required: reader.flag(said['required'], `${field}.required`, false) ? 1 : 0,
    possible_values: isSelection ? options : [],
    regional_variants_group_uuid: typeof group === 'string' ? group : null,
  };
}

function parseOptions(reader: Reader, input: unknown, field: string, stem: string): readonly Option[] {
  const options = reader.list(input, field, MODEL.optionsMax).map((option, i): Option => {
    const said = reader.object(option, `${field}[${i}]`);
    const value = reader.text(said['api_value'], `${field}[${i}].api_value`);
    const id = `@${stem}_v1_${reader.newId().slice(0, 12)}@`;
    return {
      internal_unique_value: reader.text(said['internal_unique_value'], `${field}[${i}].internal_unique_value`, id),
      api_value: value,
      label: reader.text(said['label'], `${field}[${i}].label`, value),
    };
  });
  for (const name of ['internal_unique_value', 'api_value'] as const) {
    reader.unique(
      options,
      (option) => option[name],
      (i) => `${field}[${i}].${name}`,
    );
  }
  return options;
}

/** The fields that describe one kind of thing. */
export function fieldsOf(model: Model, appliesTo: AppliesTo): readonly Field[] {
  return model.parts
    .filter((part) => part.applies_to === appliesTo)
    .flatMap((part) => part.groups.flatMap((group) => group.fields));
}

/** The faults of metadata values against the model; `null` takes a value away. Keys without a field are no fault unless
 *  the model is strict. */
export function valueFaults(
  model: Model,
  appliesTo: AppliesTo,
  values: JsonObject,
  field = 'meta',
): readonly FieldFault[] {
  const fields = new Map(fieldsOf(model, appliesTo).map((one) => [one.ckey, one]));
  return Object.entries(values).flatMap(([key, value]): FieldFault[] => {
    const known = fields.get(key);
    const path = `${field}.${key}`;
    if (known === undefined) {
      const message = 'The metadata model has no such field.';
      return model.strict && value !== null ? [{ field: path, code: 'KEY_UNKNOWN', message }] : [];
    }
    if (isBlank(value) && known.required === 1) {
      return [{ field: path, code: 'REQUIRED', message: 'This field needs a value.' }];
    }
    const group = model.groups.find(({ uuid }) => uuid === known.regional_variants_group_uuid);
    if (group === undefined || value === null) return oneFault(known, value, path);
    if (typeof value !== 'object' || Array.isArray(value)) {
      return [
        { field: path, code: 'VALUE_INVALID', message: 'An object with a value for each variant is needed here.' },
      ];
    }
    return Object.entries(value).flatMap(([variant, regional]) =>
      group.variants.some(({ api_value }) => api_value === variant)
        ? oneFault(known, regional, `${path}.${variant}`)
        : [{ field: `${path}.${variant}`, code: 'VARIANT_UNKNOWN', message: 'The field has no such variant.' }],
    );
  });
}

/** A value as an address writes it, in the form its field wants; without a field it is a text. */
export function valueFromText(field: Field | undefined, text: string): Json {
  switch (field?.type) {
    case 'numeric':
    case 'decimal2':
      return text.trim() === '' ? null : numberOrText(text);
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    case 'integer-list':
      return text.split(',').map(numberOrText);
    case 'tags':
    case 'multi-select':
    case 'attachments-assets':
    case 'asset-attachments':
      return text.split(',').map((part) => part.trim());
    default:
      return text;
  }
}

/** Whether nothing is said: no text but spaces, an empty list, no variant with a value. */
function isBlank(value: Json): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return value === null || (typeof value === 'object' && Object.values(value).every(isBlank));
}

/** What is no decimal number stays a text, for the field to refuse. */
function numberOrText(said: string): number | string {
  const digits = said.trim();
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(digits) ? Number(digits) : said;
}

function oneFault(field: Field, value: Json, path: string): FieldFault[] {
  if (value === null) return [];
  const { form, isValid } = FORMS[field.type];
  return isValid(value, field) ? [] : [{ field: path, code: 'VALUE_INVALID', message: `${form} is needed here.` }];
}

interface Form {
  readonly form: string;
  isValid(value: Json, field: Field): boolean;
}

const text: Form = { form: 'A text', isValid: (value) => typeof value === 'string' };
const attachments: Form = {
  form: 'A list of file uuids',
  isValid: (value) => isListOf(value, (entry) => typeof entry === 'string' && UUID.test(entry)),
};

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** What a value of each type looks like (wire contract 7.4). */
const FORMS: Readonly<Record<FieldType, Form>> = {
  text,
  textarea: text,
  'attachment-uri': text,
  numeric: {
    form: `A whole number from -${NUMERIC_MAX} to ${NUMERIC_MAX}`,
    isValid: (value) => Number.isInteger(value) && isInRange(value),
  },
  decimal2: {
    form: `A number of at most two decimals from -${NUMERIC_MAX} to ${NUMERIC_MAX}`,
    isValid: (value) => isInRange(value) && Number(Number(value).toFixed(2)) === value,
  },
  'integer-list': { form: 'A list of whole numbers', isValid: (value) => isListOf(value, Number.isSafeInteger) },
  boolean: { form: 'true or false', isValid: (value) => typeof value === 'boolean' },
  date: { form: 'A date such as 2026-01-31', isValid: (value) => typeof value === 'string' && isDate(value) },
  'select-one': {
    form: 'One of the possible values (its internal_unique_value)',
    isValid: (value, field) => isOption(value, field),
  },
  'multi-select': {
    form: 'A list of possible values (their internal_unique_value), each once',
    isValid: (value, field) =>
      isListOf(value, (entry) => isOption(entry, field)) &&
      Array.isArray(value) &&
      new Set(value).size === value.length,
  },
  tags: {
    form: 'A list of texts',
    isValid: (value) => isListOf(value, (tag) => typeof tag === 'string' && tag !== ''),
  },
  geopoint: {
    form: 'A place written as (latitude,longitude)',
    isValid: (value) => typeof value === 'string' && isPlace(value),
  },
  'attachments-assets': attachments,
  'asset-attachments': attachments,
};

function isInRange(value: Json): boolean {
  return typeof value === 'number' && Math.abs(value) <= NUMERIC_MAX;
}

function isListOf(value: Json, isEntry: (entry: Json) => boolean): boolean {
  return Array.isArray(value) && value.every(isEntry);
}

function isOption(value: Json, field: Field): boolean {
  return field.possible_values.some(({ internal_unique_value }) => internal_unique_value === value);
}

/** A day that the calendar has. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isPlace(text: string): boolean {
  const [, latitude, longitude] = /^\((-?\d{1,3}(?:\.\d{1,15})?), ?(-?\d{1,3}(?:\.\d{1,15})?)\)$/.exec(text) ?? [];
  return latitude !== undefined && Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180;
}
