/** A request as a page would send it. */
export interface ProbeRequest {
    readonly method: string;
    /** Absolute. */
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    /** JSON text. */
    readonly json?: string;
    readonly file?: File;
}
/** What came back. */
export interface ProbeAnswer {
    readonly status: number;
    readonly durationMs: number;
    /** The members every answer of the service has. */
    readonly outcome: string | undefined;
    readonly code: string | undefined;
    readonly msg: string | undefined;
    readonly hint: string | undefined;
    readonly body: unknown;
    /** Readable text of the body. */
    readonly text: string;
}
/**
 * Sends the request as a stranger's page would: without the console's cookie, so that only the key counts. Rejects with
 * TypeError when no answer arrives.
 */
export declare function probe(request: ProbeRequest): Promise<ProbeAnswer>;
/** A JSON object. */
export declare function isRecord(value: unknown): value is Readonly<Record<string, unknown>>;
/** The same request for a shell, every argument quoted so that nothing in it can run. */
export declare function curlCommand(request: ProbeRequest): string;
//# sourceMappingURL=probe.d.ts.map