// Who acts: a key's subject where its back end named one, and otherwise the template or key that lends its rights.
import type { Grant } from '../grant.ts';
import type { Author, Person } from '../ports/changes.ts';
import type { System } from '../ports/system.ts';

export type { Person } from '../ports/changes.ts';

/** Ids of those who are nobody in particular begin with one of these words. */
const KINDS = /^(?:admin|secret|subject|template)\//;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/**
 * The person behind a grant. A subject is one and the same person whichever key it comes with; it can only be set by
 * whoever holds a secret key, so it is believed. It never equals the id of a template, a secret key or the admin.
 */
export function personOf(grant: Pick<Grant, 'bearer' | 'claims' | 'template'>): Person {
  const { claims, template } = grant;
  const subject = claims?.subject;
  if (subject !== undefined) return personOfSubject(subject);
  if (claims === undefined) return { id: 'admin/session', name: 'Admin', email: undefined };
  const { kind, id } = claims.source;
  const unnamed = kind === 'template' ? 'Security template' : 'Secret key';
  return { id: `${kind}/${id}`, name: template?.document.name || unnamed, email: undefined };
}

/** The person whom a subject names: the same that `personOf` finds behind keys with this subject. */
export function personOfSubject(subject: string): Person {
  const id = KINDS.test(subject) ? `subject/${subject}` : subject;
  return { id, name: subject, email: EMAIL.test(subject) ? subject : undefined };
}

/** The person behind a grant, now: who the store records as the author of a change. */
export function authorOf(ports: { readonly system: Pick<System, 'now'> }, grant: Grant): Author {
  return { by: personOf(grant), nowMs: ports.system.now() };
}

/** The person whom a text names as an approver: a subject, or everybody with a key of the template whose id it is. */
export function personOfApprover(text: string): Pick<Person, 'id'> {
  return text.startsWith('template/') ? { id: text } : personOfSubject(text);
}
