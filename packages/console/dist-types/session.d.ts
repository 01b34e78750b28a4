import type { ConsoleSession } from '@latchkey/sdk';
/** The session of the page and the container chosen in it. */
export interface SignedIn {
    readonly session: ConsoleSession;
    readonly container: string;
    readonly chooseContainer: (container: string) => void;
}
/** Gives the pages below the shell their session. */
export declare const SignedInProvider: import("react").Provider<SignedIn | null>;
/** The session; only pages inside the shell may ask. */
export declare function useSignedIn(): SignedIn;
/** The container that was looked at last, when it still exists; the service's first one otherwise. */
export declare function initialContainer(session: ConsoleSession): string;
/** Remembers the container for the next visit. */
export declare function rememberContainer(container: string): void;
//# sourceMappingURL=session.d.ts.map