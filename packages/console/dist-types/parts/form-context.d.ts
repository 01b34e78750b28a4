import type { ReactNode } from 'react';
import type { Draft, NumberDraft } from '../draft.ts';
/** Values and messages of the draft under edit. */
export declare const DraftProvider: import("react").FC<import("@mantine/form").FormProviderProps<import("@mantine/form").UseFormReturnType<Draft, Draft, any>>>, useDraft: () => import("@mantine/form").UseFormReturnType<Draft, Draft, any>, useDraftForm: import("@mantine/form").UseForm<Draft, Draft, any>;
/** What a field of the form needs. */
export interface Field<T> {
    readonly value: T;
    readonly onChange: (value: T) => void;
    readonly error: ReactNode;
}
type PathsOf<T, Value> = {
    [Name in keyof T & string]: T[Name] extends Value ? Name : T[Name] extends readonly unknown[] ? never : T[Name] extends object ? `${Name}.${PathsOf<T[Name], Value>}` : never;
}[keyof T & string];
type Form = ReturnType<typeof useDraft>;
/** Fields of lists, by their path in the draft. */
export declare function listField(form: Form, path: PathsOf<Draft, string[]>): Field<string[]>;
/** Fields of numbers that may be left out, by their path in the draft. */
export declare function numberField(form: Form, path: Exclude<PathsOf<Draft, NumberDraft>, 'name' | 'description'>): Field<NumberDraft>;
export {};
//# sourceMappingURL=form-context.d.ts.map