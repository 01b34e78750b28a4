/** A block of code; `label` names it to people who cannot see it, and its copy button. */
export declare function CodeBlock({ code, label, wrap, }: {
    readonly code: string;
    readonly label: string;
    readonly wrap?: boolean;
}): import("react").JSX.Element;
//# sourceMappingURL=code-block.d.ts.map