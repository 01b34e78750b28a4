// Where containers, security templates, secret keys, revocations and console sign-ins are kept.
import type { TemplateDocument } from '@latchkey/policy';

/** One isolated asset store. */
export interface Container {
  readonly id: string;
  /** The name in addresses. */
  readonly token: string;
  readonly createdAtMs: number;
}

/** A stored security template. `uid` never changes; `identifier` (SECU_...) can be rotated. */
export interface TemplateRecord {
  readonly uid: string;
  readonly container: string;
  readonly identifier: string;
  readonly document: TemplateDocument;
  /** Grows by one with every change; for conditional updates. */
  readonly revision: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A stored secret key; the secret itself is never stored, only its SHA-256. */
export interface SecretKeyRecord {
  readonly uid: string;
  readonly container: string;
  /** Lower-case hex SHA-256 of the whole secret text. */
  readonly secretHash: string;
  /** The first characters of the secret, to recognise it in a list. */
  readonly prefix: string;
  /** Rights: a template document whose validity and issue parts do not apply. */
  readonly document: TemplateDocument;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly lastUsedAtMs: number | undefined;
}

/** A page of records with the total before paging. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** Paging and search of admin lists. */
export interface AdminListQuery {
  readonly offset: number;
  readonly limit: number;
  /** Case-insensitive text that name or identifier must contain. */
  readonly search?: string;
}

/** A one-time sign-in link; only the hash of its text is stored. */
export interface LoginLink {
  readonly tokenHash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** A console session; only the hash of its token is stored. */
export interface SessionRecord extends LoginLink {
  /** The secret key that signed in: the session lasts no longer than its rights. Absent for sign-in links. */
  readonly secretKey?: { readonly container: string; readonly uid: string };
}

/** Keys that are revoked together: one by its id, or all of a subject, of a template, of a secret key, or of the container. */
export type RevokedKeys =
  | { readonly kind: 'key'; readonly keyId: string }
  /** `subjectHash` is what keys are compared with, `subject` what people read. */
  | { readonly kind: 'subject'; readonly subject: string; readonly subjectHash: string }
  | { readonly kind: 'template' | 'secret'; readonly uid: string }
  | { readonly kind: 'container' };

/** A revocation. Keys that were issued after `issuedUntilMs` are not meant. */
export interface Revocation {
  readonly keys: RevokedKeys;
  readonly issuedUntilMs: number;
  readonly revokedAtMs: number;
  /** Who revoked: id of the key, or `admin`; empty for revocations that were made before this was recorded. */
  readonly revokedBy: string;
  /** From then on every key that is meant is dead anyway. */
  readonly expiresAtMs: number;
}

/** What revocations of many look at in a key. */
export interface RevocableKey {
  readonly keyId: string;
  /** The hash of the subject, if the key has one. */
  readonly subjectHash: string | undefined;
  readonly source: { readonly kind: 'template' | 'secret'; readonly id: string };
  readonly issuedAtMs: number;
}

/**
 * Records of administration. Every write is durable when its promise resolves and seen by every later read.
 * `container` arguments are container tokens. Raises STORE_UNAVAILABLE.
 */
export interface Templates {
  /** Makes the container when it is missing; idempotent, safe with several nodes starting at once. */
  ensureContainer(token: string, nowMs: number): Promise<Container>;
  findContainer(token: string): Promise<Container | undefined>;
  listContainers(): Promise<readonly Container[]>;

  /** By current identifier, or by a rotated one that is still in its overlap at `nowMs`. */
  findTemplateByIdentifier(container: string, identifier: string, nowMs: number): Promise<TemplateRecord | undefined>;
  findTemplate(container: string, uid: string): Promise<TemplateRecord | undefined>;
  /** Newest change first. */
  listTemplates(container: string, query: AdminListQuery): Promise<Page<TemplateRecord>>;
  /** Raises ALREADY_EXISTS when the identifier is taken. */
  createTemplate(record: TemplateRecord): Promise<void>;
  /** Replaces the document. With `revision`, raises VERSION_MISMATCH when it is no longer the stored one. Answers the
   *  stored record; undefined when there is none. */
  updateTemplate(
    container: string,
    uid: string,
    document: TemplateDocument,
    nowMs: number,
    revision?: number,
  ): Promise<TemplateRecord | undefined>;
  /** Gives the template a new identifier; the old one still finds it until `overlapUntilMs`. */
  rotateTemplate(
    container: string,
    uid: string,
    identifier: string,
    overlapUntilMs: number,
    nowMs: number,
  ): Promise<TemplateRecord | undefined>;
  /** (De)activates in one transaction; answers the records that exist. */
  setTemplatesActive(
    container: string,
    uids: readonly string[],
    active: boolean,
    nowMs: number,
  ): Promise<readonly TemplateRecord[]>;
  /** True when it was there. Its keys die with it. */
  deleteTemplate(container: string, uid: string): Promise<boolean>;

  findSecretKeyByHash(container: string, secretHash: string): Promise<SecretKeyRecord | undefined>;
  findSecretKey(container: string, uid: string): Promise<SecretKeyRecord | undefined>;
  listSecretKeys(container: string, query: AdminListQuery): Promise<Page<SecretKeyRecord>>;
  createSecretKey(record: SecretKeyRecord): Promise<void>;
  updateSecretKey(
    container: string,
    uid: string,
    document: TemplateDocument,
    nowMs: number,
    revision?: number,
  ): Promise<SecretKeyRecord | undefined>;
  setSecretKeysActive(
    container: string,
    uids: readonly string[],
    active: boolean,
    nowMs: number,
  ): Promise<readonly SecretKeyRecord[]>;
  deleteSecretKey(container: string, uid: string): Promise<boolean>;
  /** Remembers the last use; may be coarse (once a minute). Never raises for a key that is gone. */
  touchSecretKey(container: string, uid: string, nowMs: number): Promise<void>;

  /** Revokes access keys. Idempotent: of two revocations of the same keys the later `issuedUntilMs` and `expiresAtMs` hold. */
  revokeKeys(container: string, revocation: Revocation): Promise<void>;
  isKeyRevoked(container: string, key: RevocableKey): Promise<boolean>;
  /** Those that have not expired at `nowMs`, the newest first. */
  listRevocations(
    container: string,
    query: Pick<AdminListQuery, 'offset' | 'limit'>,
    nowMs: number,
  ): Promise<Page<Revocation>>;

  createLoginLink(record: LoginLink): Promise<void>;
  /** True for exactly one caller, and only before it expires: the link is spent atomically. */
  spendLoginLink(tokenHash: string, nowMs: number): Promise<boolean>;
  createSession(record: SessionRecord): Promise<void>;
  findSession(tokenHash: string, nowMs: number): Promise<SessionRecord | undefined>;
  deleteSession(tokenHash: string): Promise<void>;

  /** Removes expired links, sessions, revocations and rotated identifiers. */
  sweep(nowMs: number): Promise<number>;
}
