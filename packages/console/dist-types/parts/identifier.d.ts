/** Shows the text shortened when there is no room, and copies it whole. `label` is the button's, as in "Copy identifier". */
export declare function Identifier({ text, label }: {
    readonly text: string;
    readonly label: string;
}): import("react").JSX.Element;
//# sourceMappingURL=identifier.d.ts.map