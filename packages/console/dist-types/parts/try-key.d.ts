/** `validitySeconds` is the template's; the countdown runs from the moment of the question. */
export declare function TryKey(props: {
    readonly container: string;
    readonly template: string;
    readonly active: boolean;
    readonly validitySeconds: number;
}): import("react").JSX.Element;
//# sourceMappingURL=try-key.d.ts.map