// Whom a label or a collection is for: everybody of the container, those it names, or whoever made it.
import type { FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { Sharing } from '../ports/labels.ts';
import { personOf } from './people.ts';

const SCOPES = ['SK_ORG', 'SK_TEAMS', 'SK_USERS'] as const;
/** How many may be named. */
const IDS_MAX = 200;
const ID_CHARACTERS_MAX = 255;

/** For everybody of the container. */
export const EVERYBODY: Sharing = { scope: 'SK_ORG', ids: [] };

/** True for a back end, which acts for everybody, for who made it, and for those it is shared with. There are no teams
 *  here: what is for teams is for nobody else. */
export function isFor(sharing: Sharing, ownerId: string, grant: Grant): boolean {
  if (grant.bearer === 'secret' || grant.bearer === 'admin') return true;
  const caller = personOf(grant).id;
  if (sharing.scope === 'SK_ORG' || ownerId === caller) return true;
  return sharing.scope === 'SK_USERS' && sharing.ids.includes(caller);
}

/** A sharing as a caller writes it; absent is for everybody. Faults are added by field. */
export function parseSharing(
  said: { readonly scope?: unknown; readonly ids?: unknown } | null | undefined,
  field: string,
  faults: FieldFault[],
): Sharing {
  if (said === null || said === undefined) return EVERYBODY;
  const scope = SCOPES.find((known) => known === said.scope);
  if (scope === undefined) {
    const message = `One of ${SCOPES.join(', ')} is needed here.`;
    faults.push({ field: `${field}.scope`, code: 'VALUE_UNKNOWN', message });
  }
  const ids = said.ids ?? [];
  const isList =
    Array.isArray(ids) &&
    ids.length <= IDS_MAX &&
    ids.every((id) => typeof id === 'string' && id !== '' && id.length <= ID_CHARACTERS_MAX && isPlain(id));
  if (!isList) {
    const message = `A list of at most ${IDS_MAX} ids is needed here.`;
    faults.push({ field: `${field}.ids`, code: 'INVALID_TYPE', message });
  }
  return { scope: scope ?? 'SK_ORG', ids: isList ? [...new Set<string>(ids)] : [] };
}

/** A name that people read. Faults are added by field. */
export function parseTitle(said: unknown, max: number, field: string, faults: FieldFault[]): string {
  const text = typeof said === 'string' ? said.trim() : '';
  if (text === '') faults.push({ field, code: 'NAME_EMPTY', message: 'A name is needed here.' });
  else if (text.length > max)
    faults.push({ field, code: 'NAME_TOO_LONG', message: `A name may have ${max} characters.` });
  // Control characters and halves of characters cannot be stored, searched or shown everywhere.
  else if (!isPlain(text)) {
    faults.push({ field, code: 'NAME_INVALID', message: 'A name is plain text without control characters.' });
  }
  return text;
}

function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}
