/** `/$uid/use` */
export declare function UseTemplate(): import("react").JSX.Element;
//# sourceMappingURL=template-use.d.ts.map