// The one form of the editor, reachable from each of its sections, with the type of each kind of field.
import { createFormContext } from '@mantine/form';
import type { ReactNode } from 'react';
import type { Draft, NumberDraft } from '../draft.ts';

/** Values and messages of the draft under edit. */
export const [DraftProvider, useDraft, useDraftForm] = createFormContext<Draft>();

/** What a field of the form needs. */
export interface Field<T> {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly error: ReactNode;
}

type PathsOf<T, Value> = {
  [Name in keyof T & string]: T[Name] extends Value
    ? Name
    : T[Name] extends readonly unknown[]
      ? never
      : T[Name] extends object
        ? `${Name}.${PathsOf<T[Name], Value>}`
        : never;
}[keyof T & string];

type Form = ReturnType<typeof useDraft>;

function field<T>(form: Form, path: string): Field<T> {
  const { value, onChange, error } = form.getInputProps(path);
  return { value, onChange, error };
}

/** Fields of lists, by their path in the draft. */
export function listField(form: Form, path: PathsOf<Draft, string[]>): Field<string[]> {
  return field(form, path);
}

/** Fields of numbers that may be left out, by their path in the draft. */
export function numberField(
  form: Form,
  path: Exclude<PathsOf<Draft, NumberDraft>, 'name' | 'description'>,
): Field<NumberDraft> {
  return field(form, path);
}
