/** Shown for every address that no page has. */
export declare function NotFound(): import("react").JSX.Element;
//# sourceMappingURL=not-found.d.ts.map