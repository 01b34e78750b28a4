/** How long ago it was, kept up to date while it is looked at. */
export declare function Moment({ at }: {
    readonly at: string;
}): import("react").JSX.Element;
//# sourceMappingURL=moment.d.ts.map