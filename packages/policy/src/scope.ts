// Folder scopes: `/a` is exactly that folder, `/a/*` is it and everything below; compared by segments, never by string prefix.
import { type CanonicalPath, isWithin, parsePath, ROOT } from './path.ts';

/** One entry of a `dir_scope` list: a folder, alone or (deep) with everything below it (product definition section 5). */
export interface FolderScope {
  readonly path: CanonicalPath;
  readonly deep: boolean;
  /** Folders below a deep one that are left out, each with everything below it; no text of a `dir_scope` list says so, access entries do. */
  readonly except?: readonly CanonicalPath[];
}

export type ScopeResult =
  | { readonly ok: true; readonly scope: FolderScope }
  | { readonly ok: false; readonly reason: string };

/** The scope that a text of a `dir_scope` list stands for, or the reason why it stands for none. */
export function parseScope(text: unknown): ScopeResult {
  if (typeof text !== 'string') return { ok: false, reason: 'A folder scope is a text.' };
  const deep = text.endsWith('/*');
  const folder = deep ? text.slice(0, -2) : text;
  // A folder may be called "a*", but whoever writes "/a*" here means a pattern; guessing would widen or narrow behind their back.
  if (folder.includes('*')) {
    return { ok: false, reason: 'An asterisk stands only at the end, after a slash: "/folder/*".' };
  }
  if (deep && folder.endsWith('/')) return { ok: false, reason: 'A path has no empty segments.' };
  const parsed = deep && folder === '' ? { ok: true as const, path: ROOT } : parsePath(folder);
  return parsed.ok ? { ok: true, scope: { path: parsed.path, deep } } : parsed;
}

/** The one text of a scope; parsing it gives the same scope. */
export function formatScope(scope: FolderScope): string {
  if (!scope.deep) return scope.path;
  return scope.path === '/' ? '/*' : `${scope.path}/*`;
}

/** True when the folder `path` is in at least one of the scopes. */
export function covers(scopes: readonly FolderScope[], path: CanonicalPath): boolean {
  return scopes.some((scope) =>
    scope.deep ? isWithin(scope.path, path) && !isLeftOut(scope, path) : scope.path === path,
  );
}

function isLeftOut({ except = [] }: FolderScope, path: CanonicalPath): boolean {
  return except.some((other) => isWithin(other, path));
}

/** True when `path` and every folder that could ever lie below it are in the scopes. Only a deep scope can promise that. */
export function coversTree(scopes: readonly FolderScope[], path: CanonicalPath): boolean {
  return scopes.some(
    (scope) =>
      scope.deep &&
      isWithin(scope.path, path) &&
      (scope.except ?? []).every((other) => !isWithin(other, path) && !isWithin(path, other)),
  );
}

/** True when `path` lies strictly above some scope: it is then shown as a bare path, with nothing of its own in it. */
export function leadsTo(scopes: readonly FolderScope[], path: CanonicalPath): boolean {
  return scopes.some((scope) => scope.path !== path && isWithin(path, scope.path));
}

/** The scopes that cover exactly what both lists cover. Every result has the place of an entry of one of the lists, so the lists never explode. */
export function intersectScopes(left: readonly FolderScope[], right: readonly FolderScope[]): readonly FolderScope[] {
  const found = new Map<string, FolderScope>();
  for (const a of left) {
    for (const b of right) {
      const both = intersectPair(a, b);
      if (both !== undefined) found.set([formatScope(both), ...(both.except ?? [])].join('\n'), both);
    }
  }
  return [...found.values()];
}

function intersectPair(a: FolderScope, b: FolderScope): FolderScope | undefined {
  if (a.deep && isWithin(a.path, b.path)) return without(b, a);
  if (b.deep && isWithin(b.path, a.path)) return without(a, b);
  return a.path === b.path ? { path: a.path, deep: false } : undefined;
}

/** What is left of the inner scope once that is gone which the outer one leaves out. */
function without(inner: FolderScope, outer: FolderScope): FolderScope | undefined {
  if (outer.except === undefined) return inner;
  if (isLeftOut(outer, inner.path)) return undefined;
  if (!inner.deep) return inner;
  const except = outer.except.filter((path) => isWithin(inner.path, path));
  return except.length === 0 ? inner : { ...inner, except: [...new Set([...(inner.except ?? []), ...except])] };
}

/** True when every layer covers the folder: rights are what the live template and all narrowings agree on. */
export function coversAll(layers: readonly (readonly FolderScope[])[], path: CanonicalPath): boolean {
  return layers.every((scopes) => covers(scopes, path));
}

/** True when every layer covers the folder and everything that could lie below it. */
export function coversTreeAll(layers: readonly (readonly FolderScope[])[], path: CanonicalPath): boolean {
  return layers.every((scopes) => coversTree(scopes, path));
}

/** True when `path` lies strictly above some folder that all layers cover. */
export function leadsToAll(layers: readonly (readonly FolderScope[])[], path: CanonicalPath): boolean {
  const [first, ...others] = layers;
  if (first === undefined) return false;
  return leadsTo(others.reduce(intersectScopes, first), path);
}
