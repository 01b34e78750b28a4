import type { Template } from '@latchkey/policy';
import type { Draft, DraftKind } from '../draft.ts';
/** Field faults that the service answered with. */
export type ServiceFaults = readonly {
    readonly field: string;
    readonly code: string;
    readonly message: string;
}[];
interface DraftFormProps {
    readonly kind: DraftKind;
    readonly initial: Draft;
    readonly submitLabel: string;
    readonly busy: boolean;
    /** Saves; answers the faults the service found, none when it was saved or failed for another reason. */
    readonly onSave: (judged: Template) => Promise<ServiceFaults>;
    readonly onCancel: () => void;
    readonly onDirtyChange: (dirty: boolean) => void;
}
/** Edits a draft. Nothing is sent before policy finds no fault; after the first attempt every change is judged again. */
export declare function DraftForm(props: DraftFormProps): import("react").JSX.Element;
export {};
//# sourceMappingURL=draft-form.d.ts.map