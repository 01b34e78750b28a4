import { type Fault, type Parsed, type Template } from '@latchkey/policy';
import { type Draft, type DraftKind } from './draft.ts';
/** The groups of the editor, in order, with what each holds. */
export declare const SECTIONS: readonly [{
    readonly id: "general";
    readonly title: "General";
    readonly fields: readonly ["name", "description", "active"];
    readonly kinds: readonly ["template", "secret-key"];
}, {
    readonly id: "permissions";
    readonly title: "API permissions";
    readonly fields: readonly ["permissions"];
    readonly kinds: readonly ["template", "secret-key"];
}, {
    readonly id: "upload";
    readonly title: "Upload limits";
    readonly fields: readonly ["upload"];
    readonly kinds: readonly ["template", "secret-key"];
}, {
    readonly id: "restrictions";
    readonly title: "Restrict IP limitation";
    readonly fields: readonly ["restrictions"];
    readonly kinds: readonly ["template", "secret-key"];
}, {
    readonly id: "validity";
    readonly title: "Key validity";
    readonly fields: readonly ["key_validity"];
    readonly kinds: readonly ["template"];
}, {
    readonly id: "listing";
    readonly title: "Listing limits";
    readonly fields: readonly ["listing"];
    readonly kinds: readonly ["template", "secret-key"];
}, {
    readonly id: "exchange";
    readonly title: "Key exchange limit";
    readonly fields: readonly ["issue"];
    readonly kinds: readonly ["template"];
}];
/** One of `SECTIONS`. */
export type SectionId = (typeof SECTIONS)[number]['id'];
/** Where a message stands: the form's path of the field, such as `upload.dir_scope.2`; the empty path is the whole document. */
export type FieldMessages = Readonly<Record<string, string>>;
/** The template or the rights that a draft means, or all that is wrong with it: judged by the same code that the service runs. */
export declare function judge(draft: Draft, kind: DraftKind): Parsed<Template>;
/** What is wrong with a draft; nothing when it can be saved. */
export declare function faultsOf(draft: Draft, kind: DraftKind): readonly Fault[];
/** Faults as the form shows them. Several at one place are read one after the other. */
export declare function fieldMessages(faults: readonly {
    readonly field: string;
    readonly code: string;
    readonly message: string;
}[]): FieldMessages;
/** Number of faulty places in a section. */
export declare function faultsIn(section: (typeof SECTIONS)[number], messages: FieldMessages): number;
/** Messages that belong to no field of the form: shown above it. */
export declare function homeless(messages: FieldMessages): readonly string[];
/** Messages of the entries of a list field, by index. */
export declare function entryMessages(field: string, messages: Readonly<Record<string, unknown>>): ReadonlyMap<number, string>;
//# sourceMappingURL=faults.d.ts.map