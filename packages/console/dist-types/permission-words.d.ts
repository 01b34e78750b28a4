import type { Permission } from '@latchkey/policy';
/** The groups in the order of the editor. */
export declare const PERMISSION_GROUPS: readonly [{
    readonly id: "read";
    readonly title: "Reading";
    readonly text: "Needed by everything that shows what is stored";
}, {
    readonly id: "files";
    readonly title: "Files";
    readonly text: "Adding, changing and removing files";
}, {
    readonly id: "folders";
    readonly title: "Folders";
    readonly text: "Making, changing and removing folders";
}, {
    readonly id: "order";
    readonly title: "Labels";
    readonly text: "Ways to group files across folders";
}, {
    readonly id: "people";
    readonly title: "Sharing";
    readonly text: "Handing files to others and asking for their word";
}, {
    readonly id: "config";
    readonly title: "Configuration";
    readonly text: "The container itself: seldom right for a web page";
}];
/** One of `PERMISSION_GROUPS`. */
export type PermissionGroup = (typeof PERMISSION_GROUPS)[number]['id'];
/** How one permission is shown. */
export interface PermissionWords {
    readonly group: PermissionGroup;
    readonly title: string;
    readonly text: string;
    /** It destroys or exposes: worth a second look. */
    readonly grave?: true;
}
/** A permission that policy knows and this table does not, does not compile. */
export declare const PERMISSION_WORDS: Readonly<Record<Permission, PermissionWords>>;
//# sourceMappingURL=permission-words.d.ts.map