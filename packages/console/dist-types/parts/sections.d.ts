import type { DraftKind } from '../draft.ts';
import { type SectionId } from '../faults.ts';
/** What each group says about itself below its title. */
export declare const SECTION_LEADS: Readonly<Record<SectionId, Readonly<Record<DraftKind, string>>>>;
/** The fields of one group. */
export declare function SectionFields({ id, kind }: {
    readonly id: SectionId;
    readonly kind: DraftKind;
}): import("react").JSX.Element;
//# sourceMappingURL=sections.d.ts.map