import type { ReactNode } from 'react';
/** The preset that gives exactly these permissions. */
export declare function presetOf(permissions: readonly string[]): import("@latchkey/policy").Preset | undefined;
/** Permissions in a few words, for lists: the preset or the number, and how many of each group. */
export declare function glance(permissions: readonly string[]): {
    readonly title: string;
    readonly detail: string;
};
/** Edits the list of permissions. */
export declare function PermissionPicker(props: {
    readonly value: readonly string[];
    readonly onChange: (permissions: string[]) => void;
    readonly error?: ReactNode;
}): import("react").JSX.Element;
//# sourceMappingURL=permission-picker.d.ts.map