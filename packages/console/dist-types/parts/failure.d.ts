/** Says what failed, why, and offers to try again. */
export declare function Failure(props: {
    readonly title: string;
    readonly error: unknown;
    readonly onRetry?: () => void;
}): import("react").JSX.Element;
//# sourceMappingURL=failure.d.ts.map