// Short messages that come and go: what was done, and what could not be done.
import { LatchkeyError } from '@latchkey/sdk';
import { notifications } from '@mantine/notifications';
import { isSignedOut } from './api.ts';

const SHAPE = { withBorder: true, closeButtonProps: { 'aria-label': 'Dismiss this message' } } as const;

/** Toasts in the console's two moods, and one for refusals and failures of the service. */
export const tell = {
  done(title: string, message?: string): void {
    notifications.show({ color: 'pine', title, message, autoClose: 4_000, ...SHAPE });
  },
  problem(title: string, message?: string): void {
    notifications.show({ color: 'red', title, message, autoClose: 9_000, ...SHAPE });
  },
  failure(title: string, error: unknown): void {
    // The shell answers the end of a session with a dialog of its own.
    if (!isSignedOut(error)) tell.problem(title, failureWords(error).join(' '));
  },
};

/** What the service said and what would help, as sentences. */
export function failureWords(error: unknown): readonly string[] {
  if (!(error instanceof LatchkeyError)) return ['Something unexpected happened on this page.'];
  const sentence = error.message.endsWith('.') ? error.message : `${error.message}.`;
  return [
    sentence,
    ...(error.hint === undefined || error.hint === '' ? [] : [error.hint]),
    ...(error.code === 'INTERNAL' && error.requestId !== undefined ? [`Request ${error.requestId}.`] : []),
  ];
}
