import { type Admin, type ConsoleSession, type SecretKey, type SecurityTemplate } from '@latchkey/sdk';
import { QueryClient } from '@tanstack/react-query';
/** Records on one page of a list. */
export declare const PAGE_SIZE = 25;
/** The administration of the service that this page came from. */
export declare const admin: Admin;
/**
 * True when the service says that nobody is signed in (any more). A browser drops a cookie that has expired, and then the
 * service sees no credential at all: the console sends no other.
 */
export declare function isSignedOut(error: unknown): boolean;
/** Told when a call is refused because the session has ended; the shell then asks to sign in over the page as it is. */
export declare const sessionEnd: EventTarget;
/** One cache for the whole page. Refusals are answers: only failures to get one are tried again. */
export declare const queryClient: QueryClient;
/** Who is signed in; `null` when nobody is. */
export declare const sessionQuery: import("@tanstack/query-core").OmitKeyof<import("@tanstack/react-query").UseQueryOptions<ConsoleSession | null, Error, ConsoleSession | null, readonly unknown[]>, "queryFn"> & {
    queryFn?: import("@tanstack/query-core").QueryFunction<ConsoleSession | null, readonly unknown[], never>;
} & import("@tanstack/query-core").QueryKeyWithDataTag<readonly unknown[], ConsoleSession | null, Error>;
/** Which part of a list is looked at. */
export interface ListView {
    readonly search: string;
    /** Counted from 1. */
    readonly page: number;
}
/** All templates of a container, for invalidation. */
export declare const templatesKey: (container: string) => readonly ["templates", string];
/** All secret keys of a container, for invalidation. */
export declare const secretKeysKey: (container: string) => readonly ["secret-keys", string];
/** One page of the security templates. */
export declare const templateListQuery: (container: string, view: ListView) => import("@tanstack/query-core").OmitKeyof<import("@tanstack/react-query").UseQueryOptions<import("@latchkey/sdk").AdminPage<SecurityTemplate>, Error, import("@latchkey/sdk").AdminPage<SecurityTemplate>, (string | ListView)[]>, "queryFn"> & {
    queryFn?: import("@tanstack/query-core").QueryFunction<import("@latchkey/sdk").AdminPage<SecurityTemplate>, (string | ListView)[], never>;
} & import("@tanstack/query-core").QueryKeyWithDataTag<(string | ListView)[], import("@latchkey/sdk").AdminPage<SecurityTemplate>, Error>;
/** One security template by its identifier. */
export declare const templateQuery: (container: string, id: string) => import("@tanstack/query-core").OmitKeyof<import("@tanstack/react-query").UseQueryOptions<SecurityTemplate, Error, SecurityTemplate, readonly unknown[]>, "queryFn"> & {
    queryFn?: import("@tanstack/query-core").QueryFunction<SecurityTemplate, readonly unknown[], never>;
} & import("@tanstack/query-core").QueryKeyWithDataTag<readonly unknown[], SecurityTemplate, Error>;
/** One page of the secret keys. */
export declare const secretKeyListQuery: (container: string, view: ListView) => import("@tanstack/query-core").OmitKeyof<import("@tanstack/react-query").UseQueryOptions<import("@latchkey/sdk").AdminPage<SecretKey>, Error, import("@latchkey/sdk").AdminPage<SecretKey>, (string | ListView)[]>, "queryFn"> & {
    queryFn?: import("@tanstack/query-core").QueryFunction<import("@latchkey/sdk").AdminPage<SecretKey>, (string | ListView)[], never>;
} & import("@tanstack/query-core").QueryKeyWithDataTag<(string | ListView)[], import("@latchkey/sdk").AdminPage<SecretKey>, Error>;
/** One secret key (never its secret). */
export declare const secretKeyQuery: (container: string, id: string) => import("@tanstack/query-core").OmitKeyof<import("@tanstack/react-query").UseQueryOptions<SecretKey, Error, SecretKey, readonly unknown[]>, "queryFn"> & {
    queryFn?: import("@tanstack/query-core").QueryFunction<SecretKey, readonly unknown[], never>;
} & import("@tanstack/query-core").QueryKeyWithDataTag<readonly unknown[], SecretKey, Error>;
//# sourceMappingURL=api.d.ts.map