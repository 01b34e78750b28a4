import type { ReactNode } from 'react';
/** Edits a list; several entries can be pasted at once. `isReadable` marks entries that mean nothing while they are typed. */
export declare function EntryList(props: {
    readonly label: string;
    readonly description: ReactNode;
    readonly placeholder: string;
    readonly value: string[];
    readonly onChange: (entries: string[]) => void;
    readonly error?: ReactNode;
    readonly messages: ReadonlyMap<number, string>;
    readonly isReadable: (entry: string) => boolean;
    /** Said of an entry that is not readable, before the list was judged as a whole. */
    readonly unreadable: string;
    readonly suggestions?: string[];
}): import("react").JSX.Element;
//# sourceMappingURL=entry-list.d.ts.map