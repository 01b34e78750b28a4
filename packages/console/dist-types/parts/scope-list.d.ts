import { type ReactNode } from 'react';
/** Edits a `dir_scope` list. `messages` are faults of entries by index; each path is also judged as it is typed. */
export declare function ScopeList(props: {
    readonly label: string;
    readonly description: ReactNode;
    readonly value: readonly string[];
    readonly onChange: (scopes: string[]) => void;
    readonly error?: ReactNode;
    readonly messages: ReadonlyMap<number, string>;
}): import("react").JSX.Element;
//# sourceMappingURL=scope-list.d.ts.map