import { type ReactNode } from 'react';
/**
 * Asks before changes are thrown away, whichever way the dialog is left: its buttons, the back button, or closing the tab.
 * `children` gets `setDirty`, which says whether there are any.
 */
export declare function EditorDialog(props: {
    readonly title: string;
    readonly onClose: () => void;
    readonly children: (controls: {
        setDirty: (dirty: boolean) => void;
    }) => ReactNode;
}): import("react").JSX.Element;
//# sourceMappingURL=editor-dialog.d.ts.map