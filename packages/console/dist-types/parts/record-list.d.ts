import { type ReactNode } from 'react';
import { type ListView } from '../api.ts';
/** What every record of such a list has. */
export interface ListedRecord {
    readonly id: string;
    readonly name: string;
    readonly active: boolean;
}
/** One column; the first one heads the row. */
export interface Column<T> {
    readonly title: string;
    readonly cell: (record: T) => ReactNode;
}
/** A list with everything around it. `noun` is the record's word in the singular and in the plural. */
export declare function RecordList<T extends ListedRecord>(props: {
    readonly noun: readonly [string, string];
    readonly records: readonly T[] | undefined;
    readonly total: number;
    readonly busy: boolean;
    readonly error: unknown;
    readonly onRetry: () => void;
    readonly view: ListView;
    readonly onView: (view: ListView) => void;
    readonly columns: readonly Column<T>[];
    /** Shown when there is nothing at all. */
    readonly empty: ReactNode;
    readonly menu: (record: T) => ReactNode;
    readonly onOpen: (record: T) => void;
    readonly onSwitch: (records: readonly T[], active: boolean) => void;
}): import("react").JSX.Element;
/** A record without a name still needs one to be spoken of. */
export declare function nameOf(record: {
    readonly name: string;
}): string;
//# sourceMappingURL=record-list.d.ts.map