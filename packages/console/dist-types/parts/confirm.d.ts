import { type ReactNode } from 'react';
interface Question {
    readonly title: string;
    readonly body: ReactNode;
    readonly confirm: string;
    readonly cancel?: string;
    /** Runs while the dialog waits; the dialog closes when it resolves to true. */
    readonly act: () => Promise<boolean>;
}
/** Asks in a dialog; the safe answer has the focus. */
export declare function confirmFirst(question: Question): void;
export {};
//# sourceMappingURL=confirm.d.ts.map