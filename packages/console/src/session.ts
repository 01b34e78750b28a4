// Who is signed in and which container is looked at.
import type { ConsoleSession } from '@latchkey/sdk';
import { createContext, useContext } from 'react';

/** The session of the page and the container chosen in it. */
export interface SignedIn {
  readonly session: ConsoleSession;
  readonly container: string;
  readonly chooseContainer: (container: string) => void;
}

const SignedInContext = createContext<SignedIn | null>(null);

/** Gives the pages below the shell their session. */
export const SignedInProvider = SignedInContext.Provider;

/** The session; only pages inside the shell may ask. */
export function useSignedIn(): SignedIn {
  const value = useContext(SignedInContext);
  if (value === null) throw new TypeError('useSignedIn is for pages inside the shell');
  return value;
}

const CONTAINER_KEY = 'latchkey-container';

/** The container that was looked at last, when it still exists; the service's first one otherwise. */
export function initialContainer(session: ConsoleSession): string {
  const last = localStorage.getItem(CONTAINER_KEY);
  return last !== null && session.containers.includes(last) ? last : session.container;
}

/** Remembers the container for the next visit. */
export function rememberContainer(container: string): void {
  localStorage.setItem(CONTAINER_KEY, container);
}
