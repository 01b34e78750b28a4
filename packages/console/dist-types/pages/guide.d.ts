/** `/guide` */
export declare function GuidePage(): import("react").JSX.Element;
//# sourceMappingURL=guide.d.ts.map