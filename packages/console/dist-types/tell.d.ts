/** Toasts in the console's two moods, and one for refusals and failures of the service. */
export declare const tell: {
    done(title: string, message?: string): void;
    problem(title: string, message?: string): void;
    failure(title: string, error: unknown): void;
};
/** What the service said and what would help, as sentences. */
export declare function failureWords(error: unknown): readonly string[];
//# sourceMappingURL=tell.d.ts.map