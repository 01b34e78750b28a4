/** Copies `text`; `label` names it to people, as in "Copy identifier". */
export declare function CopyButton({ text, label }: {
    readonly text: string;
    readonly label: string;
}): import("react").JSX.Element;
//# sourceMappingURL=copy-button.d.ts.map