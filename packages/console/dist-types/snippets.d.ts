/** What the snippets are about. */
export interface SnippetTarget {
    /** Origin of the service. */
    readonly endpoint: string;
    readonly container: string;
    /** Public identifier, `SECU_...`. */
    readonly template: string;
}
/** A snippet with its name. */
export interface Snippet {
    readonly id: string;
    readonly title: string;
    readonly about: string;
    readonly code: string;
}
/** Every way to use the template, the shortest last. */
export declare function snippets(target: SnippetTarget): readonly Snippet[];
//# sourceMappingURL=snippets.d.ts.map