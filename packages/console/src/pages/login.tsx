// Sign-in: a one-time link signs in by itself, everybody else pastes an admin key.
import { Alert, Loader } from '@mantine/core';
import { IconLinkOff } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { admin, isSignedOut, sessionQuery } from '../api.ts';
import { Logo } from '../parts/logo.tsx';
import { SignInForm } from '../parts/sign-in-form.tsx';
import { failureWords } from '../tell.ts';
import classes from './login.module.css';

type LinkState =
  | { readonly kind: 'none' }
  | { readonly kind: 'spending' }
  | { readonly kind: 'refused'; readonly words: string };

/** The token of a one-time link, which is taken out of the address at once: it must not stay in the history. */
function takeToken(): string | undefined {
  const { hash, search, pathname } = window.location;
  const inHash = new URLSearchParams(hash.slice(1)).get('token');
  const query = new URLSearchParams(search);
  const token = inHash ?? query.get('token');
  if (token === null || token === '') return undefined;
  query.delete('token');
  const rest = query.toString();
  const address = pathname + (rest === '' ? '' : `?${rest}`);
  // Past the router, which would take it for a new page and ask meanwhile who is signed in.
  History.prototype.replaceState.call(window.history, window.history.state, '', address);
  return token;
}

/** The sign-in page. */
export function LoginPage() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { next } = useSearch({ from: '/login' });
  const [link, setLink] = useState<LinkState>({ kind: 'none' });
  const { href } = useLocation();

  const proceed = () => navigate({ href: next ?? '/settings/developer/security-templates', replace: true });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a link pasted into the open page changes only its address.
  useEffect(() => {
    const token = takeToken();
    if (token === undefined) return;
    setLink({ kind: 'spending' });
    admin.signIn({ token }).then(
      (session) => {
        queries.setQueryData(sessionQuery.queryKey, session);
        void navigate({ to: '/settings/developer/security-templates', replace: true });
      },
      (error: unknown) =>
        setLink({
          kind: 'refused',
          words: isSignedOut(error)
            ? 'It was used already, or it has expired. Restart the service for a new one, or sign in with an admin key.'
            : failureWords(error).join(' '),
        }),
    );
  }, [navigate, queries, href]);

  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <Logo size={32} />
        {link.kind === 'spending' ? (
          <div className={classes.waiting} role="status">
            <Loader size="sm" />
            <span>Signing you in</span>
          </div>
        ) : (
          <>
            <h1 className={classes.title}>Sign in to the console</h1>
            <p className={classes.lead}>
              Open the one-time link that the service printed when it started, or sign in with an admin key.
            </p>
            {link.kind === 'refused' ? (
              <Alert
                color="red"
                variant="light"
                mb="lg"
                icon={<IconLinkOff />}
                title="This link does not work any more"
                role="alert"
              >
                {link.words}
              </Alert>
            ) : null}
            <SignInForm onSignedIn={() => void proceed()} />
          </>
        )}
      </div>
      <p className={classes.foot}>
        Looking for the widget? <a href="/demo/">Open the demo page</a>
      </p>
    </main>
  );
}
