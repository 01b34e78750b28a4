// The frame of every page: navigation, container, colour scheme, sign-out, and the way back in when a session ends.
import { ActionIcon, Badge, Burger, Button, Drawer, Menu, Modal, Tooltip, useMantineColorScheme } from '@mantine/core';
import {
  IconBook2,
  IconChevronDown,
  IconDeviceDesktop,
  IconDoorExit,
  IconExternalLink,
  IconKey,
  IconMoon,
  IconShieldLock,
  IconStack2,
  IconSun,
} from '@tabler/icons-react';
import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { admin, sessionEnd, sessionQuery } from '../api.ts';
import { initialContainer, rememberContainer, type SignedIn, SignedInProvider, useSignedIn } from '../session.ts';
import { tell } from '../tell.ts';
import { Logo } from './logo.tsx';
import classes from './shell.module.css';
import { SignInForm } from './sign-in-form.tsx';

/** Pages inside the shell need a session; the router has made sure that there is one. */
export function Shell() {
  const { data: session } = useSuspenseQuery(sessionQuery);
  const [chosen, setChosen] = useState<string>();
  const [menuOpen, setMenuOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new path closes the menu that led to it.
  useEffect(() => setMenuOpen(false), [path]);

  const signedIn = useMemo<SignedIn | null>(
    () =>
      session === null
        ? null
        : {
            session,
            container: chosen ?? initialContainer(session),
            chooseContainer: (container) => {
              rememberContainer(container);
              setChosen(container);
            },
          },
    [session, chosen],
  );
  if (signedIn === null) return null;

  return (
    <SignedInProvider value={signedIn}>
      <a href="#content" className={classes.skip}>
        Skip to content
      </a>
      <div className={classes.shell}>
        <header className={classes.top}>
          <Burger
            className={classes.burger}
            size="sm"
            opened={menuOpen}
            onClick={() => setMenuOpen(true)}
            aria-label="Open navigation"
          />
          <Logo />
          <div className={classes.tools}>
            <ContainerMenu />
            <SchemeMenu />
            <SignOutButton />
          </div>
        </header>
        <aside className={classes.side}>
          <Navigation />
        </aside>
        <main id="content" className={classes.main} tabIndex={-1}>
          <div className={classes.page}>
            <Outlet />
          </div>
        </main>
      </div>
      <Drawer
        opened={menuOpen}
        onClose={() => setMenuOpen(false)}
        size={280}
        title={<Logo />}
        closeButtonProps={{ 'aria-label': 'Close navigation' }}
      >
        <Navigation />
      </Drawer>
      <SessionEnded />
    </SignedInProvider>
  );
}

function Navigation() {
  return (
    <nav aria-label="Main" className={classes.nav}>
      <p className={classes.trail}>Settings</p>
      <p className={classes.group}>Developer</p>
      <Link
        to="/settings/developer/security-templates"
        className={classes.link}
        activeProps={{ 'aria-current': 'page' }}
      >
        <IconShieldLock size={18} stroke={1.7} aria-hidden />
        Security templates
      </Link>
      <Link to="/settings/developer/secret-keys" className={classes.link} activeProps={{ 'aria-current': 'page' }}>
        <IconKey size={18} stroke={1.7} aria-hidden />
        Secret keys
      </Link>
      <div className={classes.outside}>
        <a href="/demo/" target="_blank" rel="noreferrer" className={classes.link}>
          <IconExternalLink size={18} stroke={1.7} aria-hidden />
          Demo page
        </a>
        <Link to="/guide" className={classes.link} activeProps={{ 'aria-current': 'page' }}>
          <IconBook2 size={18} stroke={1.7} aria-hidden />
          Guide
        </Link>
      </div>
    </nav>
  );
}

function ContainerMenu() {
  const { session, container, chooseContainer } = useSignedIn();
  const navigate = useNavigate();
  const choose = (name: string) => {
    chooseContainer(name);
    // An open dialog is about a record of the container that was left.
    void navigate({ to: '/settings/developer/security-templates' });
  };
  if (session.containers.length < 2) {
    return (
      <Tooltip label="The container that is administrated here">
        <Badge
          size="lg"
          variant="default"
          leftSection={<IconStack2 size={14} aria-hidden />}
          className={classes.container}
        >
          <span className="visually-hidden">Container </span>
          {container}
        </Badge>
      </Tooltip>
    );
  }
  return (
    <Menu>
      <Menu.Target>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconStack2 size={14} />}
          rightSection={<IconChevronDown size={14} />}
          aria-label={`Container ${container}, choose another`}
        >
          {container}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Container</Menu.Label>
        {session.containers.map((name) => (
          <Menu.Item key={name} onClick={() => choose(name)} fw={name === container ? 600 : undefined}>
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const SCHEMES = [
  { value: 'light', label: 'Light', Icon: IconSun },
  { value: 'dark', label: 'Dark', Icon: IconMoon },
  { value: 'auto', label: 'Like the system', Icon: IconDeviceDesktop },
] as const;

function SchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const current = SCHEMES.find(({ value }) => value === colorScheme) ?? SCHEMES[2];
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Colour scheme: ${current.label}`}>
          <current.Icon size={19} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Colour scheme</Menu.Label>
        {SCHEMES.map(({ value, label, Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={16} stroke={1.7} />}
            onClick={() => setColorScheme(value)}
            fw={value === colorScheme ? 600 : undefined}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function SignOutButton() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const signOut = useMutation({
    mutationFn: () => admin.signOut(),
    onSuccess: async () => {
      queries.setQueryData(sessionQuery.queryKey, null);
      await navigate({ to: '/login', replace: true });
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
    },
    onError: (error) => tell.failure('Could not sign out', error),
  });
  return (
    <Tooltip label="Sign out">
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label="Sign out"
        loading={signOut.isPending}
        onClick={() => signOut.mutate()}
      >
        <IconDoorExit size={19} stroke={1.7} />
      </ActionIcon>
    </Tooltip>
  );
}

/** Asks to sign in over the page as it is, so that nothing typed is lost. */
function SessionEnded() {
  const queries = useQueryClient();
  const [ended, setEnded] = useState(false);
  useEffect(() => {
    const ask = () => setEnded(true);
    sessionEnd.addEventListener('ended', ask);
    return () => sessionEnd.removeEventListener('ended', ask);
  }, []);
  return (
    <Modal
      opened={ended}
      onClose={() => setEnded(false)}
      title="Your session has ended"
      zIndex={400}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p className={classes.ended}>Sign in again to go on. What is on this page stays as it is.</p>
      <SignInForm
        onSignedIn={() => {
          setEnded(false);
          void queries.invalidateQueries();
        }}
      />
    </Modal>
  );
}
