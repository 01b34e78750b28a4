import type { TemplateDocument } from '@latchkey/policy';
/** A number that may be left out (`''`), or text that is not a number yet. */
export type NumberDraft = number | string;
/** The editor's values. Paths into it are the wire names, so faults find their fields. */
export interface Draft {
    name: string;
    description: string;
    active: boolean;
    permissions: string[];
    upload: {
        limit_per_min: NumberDraft;
        limit_per_ip_source: NumberDraft;
        max: NumberDraft;
        /** Bytes. */
        max_file_size: NumberDraft;
        /** Bytes. */
        max_total_size: NumberDraft;
        allowed_types: string[];
        dir_scope: string[];
    };
    listing: {
        dir_scope: string[];
        max: NumberDraft;
    };
    restrictions: {
        whitelist_ip_ranges: string[];
        whitelist_countries: string[];
        blocked_ip_ranges: string[];
        blocked_countries: string[];
        allowed_origins: string[];
    };
    key_validity: {
        /** Seconds. */
        expiration_duration: NumberDraft;
        /** Seconds. */
        finish_duration: NumberDraft;
    };
    issue: {
        limit_per_ip_per_min: NumberDraft;
    };
}
/** Which kind of record is edited: a secret key has the same rights, but neither a validity nor an exchange. */
export type DraftKind = 'template' | 'secret-key';
/** The parts of a template document that every record carries; a secret key lacks the last two. */
export type EditableDocument = Omit<TemplateDocument, 'key_validity' | 'issue'> & Partial<Pick<TemplateDocument, 'key_validity' | 'issue'>>;
/** An empty template with the defaults of product definition section 3. */
export declare function emptyDraft(): Draft;
/** The values to edit for a stored document. */
export declare function toDraft(document: EditableDocument): Draft;
/** The document to judge and send. What is not readable yet stays as it was typed, so that its fault is found. */
export declare function toDocument(draft: Draft, kind: DraftKind): Record<string, unknown>;
//# sourceMappingURL=draft.d.ts.map