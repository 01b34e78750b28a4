// Administration for the console: sign-in, security templates and secret keys.
import type { TemplateDocument } from '@latchkey/policy';
import type { Fetch, Query, RequestOptions } from './request.ts';
import { address, browserFetch, request } from './request.ts';

/** A template as stored: the document with what the store adds to it. */
export interface SecurityTemplate extends TemplateDocument {
  /** The public identifier that pages use, `SECU_...`; changed by `rotate`. */
  readonly id: string;
  /** Never changes; accepted wherever `id` is. */
  readonly uid: string;
  /** Grows by one with every change. */
  readonly revision: number;
  /** ISO 8601 in UTC. */
  readonly created_at: string;
  readonly updated_at: string;
}

/** Rights of a secret key: a template document without the parts that belong to access keys. */
export type SecretKeyDocument = Omit<TemplateDocument, 'key_validity' | 'issue'>;

/** A secret key as stored. The secret itself is only in the answer that made it. */
export interface SecretKey extends SecretKeyDocument {
  readonly id: string;
  /** Grows by one with every change. */
  readonly revision: number;
  /** The first characters of the secret, to recognise it by. */
  readonly prefix: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly last_used_at: string | null;
}

/** Something that was saved although an admin should look at it again. */
export interface Warning {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** Which part of an admin list. */
export interface AdminListOptions {
  readonly offset?: number;
  readonly limit?: number;
  /** Text in name or identifier. */
  readonly search?: string;
  readonly signal?: AbortSignal;
}

/** One page, and the number of records before paging. */
export interface AdminPage<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** A stored record and what is questionable about it. */
export interface Saved<T> {
  readonly record: T;
  readonly warnings: readonly Warning[];
}

/** The calls that templates and secret keys have in common. `Document` is what may be written. */
export interface Records<Stored, Document> {
  list(options?: AdminListOptions): Promise<AdminPage<Stored>>;
  get(id: string, signal?: AbortSignal): Promise<Stored>;
  /**
   * Replaces the document; what is left out takes its default. Refused with every fault at once (REQUEST_INVALID), and
   * with VERSION_MISMATCH when `revision` is given and the record has been changed since.
   */
  replace(id: string, document: Partial<Document>, revision?: number): Promise<Saved<Stored>>;
  /** Changes the given members and leaves the others. Refused like `replace`. */
  change(id: string, part: Partial<Document>, revision?: number): Promise<Saved<Stored>>;
  remove(id: string): Promise<void>;
  activate(ids: readonly string[]): Promise<readonly Stored[]>;
  /** Keys made from a deactivated record stop working within a second. */
  deactivate(ids: readonly string[]): Promise<readonly Stored[]>;
}

/** Security templates of one container (product definition section 3). */
export interface Templates extends Records<SecurityTemplate, TemplateDocument> {
  create(document: Partial<TemplateDocument>): Promise<Saved<SecurityTemplate>>;
  /** Gives the template a new identifier; the old one keeps working for `overlapSeconds`. */
  rotate(id: string, overlapSeconds: number): Promise<SecurityTemplate>;
}

/** Secret keys of one container (product definition section 8). */
export interface SecretKeys extends Records<SecretKey, SecretKeyDocument> {
  /** `secret` is shown this once and stored nowhere. */
  create(document: Partial<SecretKeyDocument>): Promise<Saved<SecretKey> & { readonly secret: string }>;
}

/** Which access keys to revoke: one by its id or text, or all of a subject, of a security template, or of the container. */
export type KeySelector =
  | { readonly key_id: string }
  | { readonly key: string }
  | { readonly subject: string }
  | { readonly template: string }
  | { readonly all: true };

/** Access keys of one container. */
export interface AccessKeys {
  /**
   * Ends keys that were issued until now on every node within a second, with what is under way. It cannot be undone; keys that are
   * issued afterwards work.
   */
  revoke(keys: KeySelector): Promise<void>;
}

/** Who is signed in to the console. */
export interface ConsoleSession {
  /** The container to show first. */
  readonly container: string;
  /** The containers that can be administrated. */
  readonly containers: readonly string[];
  /** ISO 8601 in UTC. */
  readonly expires_at: string;
}

/** The administration of one service. Every method throws LatchkeyError. */
export interface Admin {
  /** Signs in with a one-time link's token or with a secret key that may manage access; sets the session cookie. */
  signIn(credential: { readonly token: string } | { readonly adminKey: string }): Promise<ConsoleSession>;
  /** Throws ADMIN_UNAUTHENTICATED when nobody is signed in. */
  session(signal?: AbortSignal): Promise<ConsoleSession>;
  signOut(): Promise<void>;
  templates(container: string): Templates;
  secretKeys(container: string): SecretKeys;
  accessKeys(container: string): AccessKeys;
}

/** How to reach the service: an empty endpoint is the origin of the page. */
export interface AdminOptions {
  readonly endpoint: string;
  readonly fetch?: Fetch;
}

/**
 * A header that no form and no simple cross-site request can carry: the session cookie alone never authorises a call.
 */
const SESSION_HEADER = { 'x-latchkey-session': '1' };

type Answer = Readonly<Record<string, unknown>>;

/** The console's calls, authorised by the session cookie of the page's own origin. */
export function createAdmin(options: AdminOptions): Admin {
  const send = options.fetch ?? browserFetch;

  const call = <T = Answer>(path: readonly string[], init: RequestOptions & { readonly query?: Query } = {}) =>
    request<T>(send, address(options.endpoint, path, init.query), {
      ...init,
      headers: { ...SESSION_HEADER, ...init.headers },
      credentials: 'same-origin',
    });

  const ifMatch = (revision: number | undefined): Record<string, string> =>
    revision === undefined ? {} : { 'if-match': `"${revision}"` };

  const session = async (init: RequestOptions) =>
    (await call<{ readonly session: ConsoleSession }>(['console', 'session'], init)).session;

  /** `one` and `many` are the members of the answers that carry records. */
  function records<Stored, Document>(base: readonly string[], one: string, many: string) {
    // Same trust in the answer's shape as in `request`.
    const record = (answer: Answer) => answer[one] as Stored;
    const saved = (answer: Answer): Saved<Stored> => ({
      record: record(answer),
      warnings: (answer['warnings'] ?? []) as readonly Warning[],
    });
    const setActive = async (verb: string, ids: readonly string[]) =>
      (await call([...base, verb], { method: 'POST', json: { ids } }))[many] as readonly Stored[];
    const calls: Records<Stored, Document> = {
      async list({ signal, ...query } = {}) {
        const answer = await call<Answer & { readonly info: { readonly total: number } }>(base, {
          query: { ...query },
          signal,
        });
        return { items: answer[many] as readonly Stored[], total: answer.info.total };
      },
      get: async (id, signal) => record(await call([...base, id], { signal })),
      replace: async (id, json, revision) =>
        saved(await call([...base, id], { method: 'PUT', json, headers: ifMatch(revision) })),
      change: async (id, json, revision) =>
        saved(await call([...base, id], { method: 'PATCH', json, headers: ifMatch(revision) })),
      remove: async (id) => void (await call([...base, id], { method: 'DELETE' })),
      activate: (ids) => setActive('activate', ids),
      deactivate: (ids) => setActive('deactivate', ids),
    };
    return { ...calls, record, saved };
  }

  return {
    signIn: (credential) =>
      session({
        method: 'POST',
        json: 'token' in credential ? { token: credential.token } : { admin_key: credential.adminKey },
      }),
    session: (signal) => session({ signal }),
    signOut: async () => void (await call(['console', 'session'], { method: 'DELETE' })),
    templates(container) {
      const base = [container, 'v5', 'security-templates'];
      const { record, saved, ...calls } = records<SecurityTemplate, TemplateDocument>(
        base,
        'security_template',
        'security_templates',
      );
      return {
        ...calls,
        create: async (json) => saved(await call(base, { method: 'POST', json })),
        rotate: async (id, overlapSeconds) =>
          record(await call([...base, id, 'rotate'], { method: 'POST', json: { overlap_seconds: overlapSeconds } })),
      };
    },
    accessKeys: (container) => ({
      revoke: async (json) => void (await call([container, 'v5', 'key', 'revoke'], { method: 'POST', json })),
    }),
    secretKeys(container) {
      const base = [container, 'v5', 'secret-keys'];
      const { record, saved, ...calls } = records<SecretKey, SecretKeyDocument>(base, 'secret_key', 'secret_keys');
      return {
        ...calls,
        async create(json) {
          const answer = await call<{ readonly secret_key: { readonly secret: string } }>(base, {
            method: 'POST',
            json,
          });
          const { secret, ...stored } = answer.secret_key;
          return { ...saved({ ...answer, secret_key: stored }), secret };
        },
      };
    },
  };
}
