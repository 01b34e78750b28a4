/** Puts the text on the clipboard; false when the browser refuses. */
export declare function copyText(text: string): Promise<boolean>;
//# sourceMappingURL=clipboard.d.ts.map