import { type ReactNode } from 'react';
interface Question {
    readonly title: string;
    readonly body: ReactNode;
    readonly confirm: string;
    readonly cancel?: string;
    /** Runs while the dialog waits; the dialog stays when it resolves to false. */
    readonly act?: () => Promise<boolean>;
}
/** Asks in a dialog; the safe answer has the focus. Resolves to true when it was confirmed and done. */
export declare function confirmFirst(question: Question): Promise<boolean>;
export {};
//# sourceMappingURL=confirm.d.ts.map