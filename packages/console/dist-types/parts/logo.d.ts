/** The mark with the name beside it. */
export declare function Logo({ size }: {
    readonly size?: number;
}): import("react").JSX.Element;
//# sourceMappingURL=logo.d.ts.map