// The map of the console's addresses. Dialogs have addresses too, so that they can be linked to and left by the back button.
import { Loader } from '@mantine/core';
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { queryClient, sessionQuery } from './api.ts';
import { LoginPage } from './pages/login.tsx';
import { Failure } from './parts/failure.tsx';
import { NotFound } from './parts/not-found.tsx';
import { Shell } from './parts/shell.tsx';

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => (
    <Failure title="This page could not be shown" error={error} onRetry={() => void router.invalidate()} />
  ),
});

const HOME = '/settings/developer/security-templates';

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

/** A link back is only followed inside the console: an address elsewhere would be an open redirect. */
const localPath = (value: unknown) => {
  const path = text(value);
  return path !== undefined && /^\/(?![/\\])/.test(path) ? path : undefined;
};

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: LoginPage,
  beforeLoad: async ({ location, search }) => {
    // A link signs in again, whoever is signed in already.
    if (/[#?&]token=/.test(location.href)) return;
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (session !== null) throw redirect({ href: search.next ?? HOME, replace: true });
  },
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = localPath(search['next']);
    return next === undefined ? {} : { next };
  },
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (session === null) throw redirect({ to: '/login', search: { next: location.href }, replace: true });
  },
});

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: HOME, replace: true });
  },
});

/** Search text and page of a list, kept in the address. */
const listSearch = (search: Record<string, unknown>): { q?: string; page?: number } => {
  const q = text(search['q']);
  const page = Number(search['page']);
  return { ...(q === undefined ? {} : { q }), ...(Number.isInteger(page) && page > 1 ? { page } : {}) };
};

const templates = createRoute({
  getParentRoute: () => shell,
  path: '/settings/developer/security-templates',
  component: lazyRouteComponent(() => import('./pages/templates.tsx'), 'TemplatesPage'),
  validateSearch: listSearch,
});

const templateNew = createRoute({
  getParentRoute: () => templates,
  path: '/new',
  component: lazyRouteComponent(() => import('./pages/template-editor.tsx'), 'NewTemplate'),
  validateSearch: (search: Record<string, unknown>): { preset?: string; from?: string } => {
    const preset = text(search['preset']);
    const from = text(search['from']);
    return { ...(preset === undefined ? {} : { preset }), ...(from === undefined ? {} : { from }) };
  },
});

const templateEdit = createRoute({
  getParentRoute: () => templates,
  path: '/$uid/edit',
  component: lazyRouteComponent(() => import('./pages/template-editor.tsx'), 'EditTemplate'),
});

const templateUse = createRoute({
  getParentRoute: () => templates,
  path: '/$uid/use',
  component: lazyRouteComponent(() => import('./pages/template-use.tsx'), 'UseTemplate'),
});

const secretKeys = createRoute({
  getParentRoute: () => shell,
  path: '/settings/developer/secret-keys',
  component: lazyRouteComponent(() => import('./pages/secret-keys.tsx'), 'SecretKeysPage'),
  validateSearch: listSearch,
});

const secretKeyNew = createRoute({
  getParentRoute: () => secretKeys,
  path: '/new',
  component: lazyRouteComponent(() => import('./pages/secret-key-editor.tsx'), 'NewSecretKey'),
});

const secretKeyEdit = createRoute({
  getParentRoute: () => secretKeys,
  path: '/$id/edit',
  component: lazyRouteComponent(() => import('./pages/secret-key-editor.tsx'), 'EditSecretKey'),
});

const guide = createRoute({
  getParentRoute: () => shell,
  path: '/guide',
  component: lazyRouteComponent(() => import('./pages/guide.tsx'), 'GuidePage'),
});

/** The router of the whole console, below the folder it is served from. */
export const router = createRouter({
  basepath: '/console',
  routeTree: root.addChildren([
    login,
    shell.addChildren([
      home,
      templates.addChildren([templateNew, templateEdit, templateUse]),
      secretKeys.addChildren([secretKeyNew, secretKeyEdit]),
      guide,
    ]),
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loader aria-label="Loading" m="xl" />,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
