/** The list of security templates; the editor and the other dialogs open over it. */
export declare function TemplatesPage(): import("react").JSX.Element;
//# sourceMappingURL=templates.d.ts.map