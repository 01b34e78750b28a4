// The rule that keeps administration from being a way up: a secret key gives to others only what it has itself.
import type { CanonicalPath, FolderScope, TemplateDocument } from '@latchkey/policy';
import { coversAll, coversTreeAll, effective, parseScope } from '@latchkey/policy';
import { AppError } from '../errors.ts';
import type { Grant } from '../grant.ts';

/**
 * Raises PERMISSION_DENIED, naming what is too much, when the document gives permissions or folders that the acting
 * secret key does not have. An admin session may give everything. Networks and limits are not compared: a back end tied
 * to one address must be able to write templates for browsers everywhere.
 */
export function refuseGivingMore(grant: Grant, document: TemplateDocument): void {
  if (grant.bearer === 'admin') return;
  if (grant.template === undefined || grant.claims === undefined)
    throw new AppError('PERMISSION_DENIED', 'no rights to give');
  const held = new Set(effective(grant.template, grant.claims).permissions);
  const missing = document.permissions.filter((permission) => !held.has(permission));
  if (missing.length > 0) {
    throw tooMuch(`This secret key does not have ${missing.join(', ')} and cannot give it to others.`);
  }
  for (const kind of ['upload', 'listing'] as const) {
    const layers = grant.layers(kind);
    const outside = document[kind].dir_scope.filter((text) => !covered(layers, text));
    if (outside.length > 0) {
      throw tooMuch(`${kind}.dir_scope: ${outside.join(', ')} is outside the folders that this secret key may use.`);
    }
  }
}

function covered(layers: readonly (readonly FolderScope[])[], text: string): boolean {
  const parsed = parseScope(text);
  if (!parsed.ok) return false;
  const { path, deep }: { readonly path: CanonicalPath; readonly deep: boolean } = parsed.scope;
  return deep ? coversTreeAll(layers, path) : coversAll(layers, path);
}

function tooMuch(hint: string): AppError {
  return new AppError('PERMISSION_DENIED', 'gives more than it has', { hint, rule: 'delegation' });
}
