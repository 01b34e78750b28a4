import { type ReactNode } from 'react';
import type { NumberDraft } from '../draft.ts';
interface FieldProps {
    readonly label: string;
    readonly description: ReactNode;
    readonly value: NumberDraft;
    readonly onChange: (value: NumberDraft) => void;
    readonly error?: ReactNode;
    /** What an empty field means. */
    readonly placeholder: string;
    readonly required?: boolean;
}
/** A count that is unlimited (or the default) when empty. */
export declare function LimitInput({ unit, ...props }: FieldProps & {
    readonly unit?: string;
}): import("react").JSX.Element;
/** A number of bytes, written as `500 MB` or `1.5 GiB`. */
export declare function SizeInput(props: FieldProps): import("react").JSX.Element;
/** A number of seconds, written as `20 min` or `1 h 30 min`. */
export declare function DurationInput(props: FieldProps): import("react").JSX.Element;
export {};
//# sourceMappingURL=quantity-input.d.ts.map