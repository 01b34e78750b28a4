// Values of metadata as cells of a table, and back: plain where people write them, JSON where nothing else would say it.
import type { Json } from '../ports/metadata.ts';
import type { Field } from './model.ts';
import type { SelectionName } from './views.ts';

/** Fields whose cells are read as the text that stands there. */
const TEXTUAL: ReadonlySet<string> = new Set(['text', 'textarea', 'attachment-uri', 'date', 'geopoint', 'select-one']);
/** Fields whose cells are lists of texts. */
const LISTS: ReadonlySet<string> = new Set(['tags', 'multi-select', 'attachments-assets', 'asset-attachments']);

/** The cell of a value; nothing is an empty cell. Selections go by `selections`, and without it by a name that is read back as them. */
export function metaCell(field: Field | undefined, value: Json, selections?: SelectionName): string {
  if (value === null) return '';
  if (field !== undefined && LISTS.has(field.type) && isTexts(value) && value.length > 0) {
    return joinList(value.map((text) => shownOption(field, text, selections)));
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  const plain = shownOption(field, value, selections);
  if (selections !== undefined && isOption(field, value)) return plain;
  // Written plainly when it is read back as itself.
  return metaFromCell(field, plain) === value ? plain : JSON.stringify(value);
}

/** The value of a cell; an empty one is null. It is not judged here. */
export function metaFromCell(field: Field | undefined, cell: string): Json {
  if (cell === '') return null;
  const json = parsed(cell);
  if (field !== undefined && TEXTUAL.has(field.type)) {
    return typeof json === 'string' ? json : storedOption(field, cell);
  }
  if (json !== undefined) return json;
  if (field !== undefined && LISTS.has(field.type)) return splitList(cell).map((text) => storedOption(field, text));
  if (field?.type === 'boolean' && /^(?:true|false)$/i.test(cell)) return cell.toLowerCase() === 'true';
  return cell;
}

/** Texts as one cell: separated by semicolons; a backslash keeps one that belongs to a text. */
export function joinList(texts: readonly string[]): string {
  return texts.map((text) => text.replaceAll(/[\\;]/g, '\\$&')).join('; ');
}

/** The texts of such a cell, without the spaces around them; empty ones are none. */
export function splitList(cell: string): readonly string[] {
  const texts: string[] = [''];
  for (let i = 0; i < cell.length; i += 1) {
    const character = cell[i] ?? '';
    if (character === ';') texts.push('');
    else {
      if (character === '\\' && i + 1 < cell.length) i += 1;
      texts[texts.length - 1] += cell[i] ?? '';
    }
  }
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}

function parsed(cell: string): Json | undefined {
  try {
    return JSON.parse(cell) as Json;
  } catch {
    return undefined; // A plain text.
  }
}

/** Options are shown by the value that people chose for them, unless another name is asked for, not by the one that never changes. */
function shownOption(field: Field | undefined, value: string, selections: SelectionName = 'api_value'): string {
  return field?.possible_values.find((option) => option.internal_unique_value === value)?.[selections] ?? value;
}

function isOption(field: Field | undefined, value: string): boolean {
  return field?.possible_values.some((option) => option.internal_unique_value === value) ?? false;
}

function storedOption(field: Field, text: string): string {
  const { possible_values: options } = field;
  const option =
    options.find(({ api_value }) => api_value === text) ??
    options.find(({ internal_unique_value }) => internal_unique_value === text) ??
    options.find(({ label }) => label === text);
  return option?.internal_unique_value ?? text;
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
