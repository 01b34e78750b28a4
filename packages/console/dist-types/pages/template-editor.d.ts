/** `/new`: empty, from a preset, or as a copy of another template. */
export declare function NewTemplate(): import("react").JSX.Element;
/** `/$uid/edit` */
export declare function EditTemplate(): import("react").JSX.Element;
//# sourceMappingURL=template-editor.d.ts.map