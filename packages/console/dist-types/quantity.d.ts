/** Bytes of a text such as `500 MB`, `1.5 GiB` or `1048576`; undefined when it is not a size. MB is 1,000,000 bytes, MiB 1,048,576. */
export declare function parseSize(text: string): number | undefined;
/** The shortest text that means exactly this many bytes, such as `500 MB` or `64 MiB`; plain bytes when no unit fits. */
export declare function formatSize(sizeBytes: number): string;
/** `1,234,567` */
export declare function groupDigits(value: number): string;
/** Seconds of a text such as `20 min`, `1h 30m` or `1200`; undefined when it is not a duration. */
export declare function parseDuration(text: string): number | undefined;
/** Seconds in words that mean exactly them: `20 min`, `1 h 30 min`, `2 days`. */
export declare function formatDuration(seconds: number): string;
/** How long ago an ISO 8601 time was: `3 hours ago`, `just now`. */
export declare function formatAge(isoTime: string, nowMs: number): string;
/** Date and time of an ISO 8601 time in the reader's own zone. */
export declare function formatMoment(isoTime: string): string;
//# sourceMappingURL=quantity.d.ts.map