// The console's view of the service: the SDK's administration calls as queries, and what to do when a session ends.
import {
  type Admin,
  type ConsoleSession,
  createAdmin,
  LatchkeyError,
  type SecretKey,
  type SecurityTemplate,
} from '@latchkey/sdk';
import { keepPreviousData, MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query';

/** Records on one page of a list. */
export const PAGE_SIZE = 25;

/** The administration of the service that this page came from. */
export const admin: Admin = createAdmin({ endpoint: '' });

/**
 * True when the service says that nobody is signed in (any more). A browser drops a cookie that has expired, and then the
 * service sees no credential at all: the console sends no other.
 */
export function isSignedOut(error: unknown): boolean {
  return error instanceof LatchkeyError && (error.code === 'ADMIN_UNAUTHENTICATED' || error.code === 'KEY_MISSING');
}

/** Told when a call is refused because the session has ended; the shell then asks to sign in over the page as it is. */
export const sessionEnd = new EventTarget();

function watch(error: unknown): void {
  if (isSignedOut(error)) sessionEnd.dispatchEvent(new Event('ended'));
}

/** One cache for the whole page. Refusals are answers: only failures to get one are tried again. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: watch }),
  mutationCache: new MutationCache({ onError: watch }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) =>
        failures < 2 && error instanceof LatchkeyError && (error.status === 0 || error.status >= 500),
    },
  },
});

/** Who is signed in; `null` when nobody is. */
export const sessionQuery = queryOptions<ConsoleSession | null>({
  queryKey: ['session'],
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    try {
      return await admin.session(signal);
    } catch (error) {
      if (isSignedOut(error)) return null;
      throw error;
    }
  },
});

/** Which part of a list is looked at. */
export interface ListView {
  readonly search: string;
  /** Counted from 1. */
  readonly page: number;
}

const part = ({ search, page }: ListView) => ({
  offset: (page - 1) * PAGE_SIZE,
  limit: PAGE_SIZE,
  ...(search === '' ? {} : { search }),
});

/** All templates of a container, for invalidation. */
export const templatesKey = (container: string) => ['templates', container] as const;
/** All secret keys of a container, for invalidation. */
export const secretKeysKey = (container: string) => ['secret-keys', container] as const;

/** One page of the security templates. */
export const templateListQuery = (container: string, view: ListView) =>
  queryOptions({
    queryKey: [...templatesKey(container), 'list', view],
    queryFn: ({ signal }) => admin.templates(container).list({ ...part(view), signal }),
    placeholderData: keepPreviousData,
  });

/** One security template by its identifier. */
export const templateQuery = (container: string, id: string) =>
  queryOptions<SecurityTemplate>({
    queryKey: [...templatesKey(container), 'one', id],
    queryFn: ({ signal }) => admin.templates(container).get(id, signal),
  });

/** One page of the secret keys. */
export const secretKeyListQuery = (container: string, view: ListView) =>
  queryOptions({
    queryKey: [...secretKeysKey(container), 'list', view],
    queryFn: ({ signal }) => admin.secretKeys(container).list({ ...part(view), signal }),
    placeholderData: keepPreviousData,
  });

/** One secret key (never its secret). */
export const secretKeyQuery = (container: string, id: string) =>
  queryOptions<SecretKey>({
    queryKey: [...secretKeysKey(container), 'one', id],
    queryFn: ({ signal }) => admin.secretKeys(container).get(id, signal),
  });
