// Sign-in with an admin key, on its own page and over a page whose session has ended.
import { LatchkeyError } from '@latchkey/sdk';
import { Button, PasswordInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { admin, sessionQuery } from '../api.ts';
import { failureWords } from '../tell.ts';

/** Asks for an admin key; calls `onSignedIn` when the session is there. */
export function SignInForm({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const queries = useQueryClient();
  const [adminKey, setAdminKey] = useState('');
  const signIn = useMutation({
    mutationFn: () => admin.signIn({ adminKey: adminKey.trim() }),
    onSuccess: (session) => {
      queries.setQueryData(sessionQuery.queryKey, session);
      onSignedIn();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (adminKey.trim() !== '') signIn.mutate();
  };
  const error =
    signIn.error instanceof LatchkeyError && signIn.error.code === 'ADMIN_UNAUTHENTICATED'
      ? 'This is not a key that may sign in here. Check that it is complete and active.'
      : signIn.error === null
        ? undefined
        : failureWords(signIn.error).join(' ');

  return (
    <form onSubmit={submit}>
      <PasswordInput
        label="Admin key"
        description="The key printed at the first start, or a secret key that may manage access"
        placeholder="Paste the key"
        size="md"
        value={adminKey}
        onChange={(event) => setAdminKey(event.currentTarget.value)}
        error={error}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the key' }}
      />
      <Button type="submit" fullWidth size="md" mt="md" loading={signIn.isPending} disabled={adminKey.trim() === ''}>
        Sign in
      </Button>
    </form>
  );
}
