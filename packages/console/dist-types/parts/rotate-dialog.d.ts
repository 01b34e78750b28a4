import type { SecurityTemplate } from '@latchkey/sdk';
/** Asks for the overlap, rotates, and shows the new identifier. */
export declare function rotateIdentifier(name: string, rotate: (overlapSeconds: number) => Promise<SecurityTemplate>, onRotated: () => Promise<void>): void;
//# sourceMappingURL=rotate-dialog.d.ts.map