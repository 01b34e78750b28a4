import { type ReactNode } from 'react';
/** `children` gets `close`, which asks before it throws changes away, and `setDirty`, which says whether there are any. */
export declare function EditorDialog(props: {
    readonly title: string;
    readonly onClose: () => void;
    readonly children: (controls: {
        close: () => void;
        setDirty: (dirty: boolean) => void;
    }) => ReactNode;
}): import("react").JSX.Element;
//# sourceMappingURL=editor-dialog.d.ts.map