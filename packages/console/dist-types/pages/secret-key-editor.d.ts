/** `/new` */
export declare function NewSecretKey(): import("react").JSX.Element;
/** `/$id/edit` */
export declare function EditSecretKey(): import("react").JSX.Element;
//# sourceMappingURL=secret-key-editor.d.ts.map