// Administration records in SQL: containers, security templates, secret keys, revocations and console sign-ins.
import { randomUUID } from 'node:crypto';
import type { TemplateDocument } from '@latchkey/policy';
import { type Expression, type Selectable, sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type { RuleChange } from '../../ports/bus.ts';
import type {
  AdminListQuery,
  Container,
  LoginLink,
  Page,
  RevocableKey,
  Revocation,
  RevokedKeys,
  SecretKeyRecord,
  SessionRecord,
  TemplateRecord,
  Templates,
} from '../../ports/templates.ts';
import { type SqlBus, writeAnnounced } from './bus.ts';
import type { Database, Executor } from './database.ts';
import { insertRoot } from './folders.ts';
import type { ContainerTable, RevocationTable, SecretKeyTable, SessionTable, TemplateTable } from './schema.ts';
import { contains, forUpdate, searchKey } from './text.ts';

/** A use is remembered once in this time: a key in use must not mean a write for each request. */
const TOUCH_EVERY_MS = 60_000;

/** The Templates port on a database. Changes of what keys may do are announced on the bus. */
export function sqlTemplates(database: Database, bus: SqlBus): Templates {
  return new SqlTemplates(database, bus);
}

class SqlTemplates implements Templates {
  readonly #database: Database;
  readonly #bus: SqlBus;

  constructor(database: Database, bus: SqlBus) {
    this.#database = database;
    this.#bus = bus;
  }

  async ensureContainer(token: string, nowMs: number): Promise<Container> {
    return (await this.findContainer(token)) ?? this.#createContainer(token, nowMs);
  }

  findContainer(token: string): Promise<Container | undefined> {
    return this.#query(async (db) => {
      const row = await db.selectFrom('containers').selectAll().where('token', '=', token).executeTakeFirst();
      return row && toContainer(row);
    });
  }

  listContainers(): Promise<readonly Container[]> {
    return this.#query(async (db) => {
      const rows = await db.selectFrom('containers').selectAll().orderBy('created_at').orderBy('token').execute();
      return rows.map(toContainer);
    });
  }

  findTemplateByIdentifier(container: string, identifier: string, nowMs: number): Promise<TemplateRecord | undefined> {
    return this.#query(async (db) => {
      const row = await db
        .selectFrom('template_identifiers')
        .innerJoin('templates', 'templates.uid', 'template_identifiers.template_uid')
        .selectAll('templates')
        .where('template_identifiers.identifier', '=', identifier)
        .where('templates.container', '=', container)
        .where((eb) =>
          eb.or([eb('template_identifiers.expires_at', 'is', null), eb('template_identifiers.expires_at', '>', nowMs)]),
        )
        .executeTakeFirst();
      return row && toTemplate(row);
    });
  }

  findTemplate(container: string, uid: string): Promise<TemplateRecord | undefined> {
    return this.#query(async (db) => {
      const row = await selectTemplate(db, container, uid).executeTakeFirst();
      return row && toTemplate(row);
    });
  }

  listTemplates(container: string, query: AdminListQuery): Promise<Page<TemplateRecord>> {
    return this.#query(async (db) => {
      const found = db
        .selectFrom('templates')
        .where('container', '=', container)
        .$if(query.search !== undefined, (q) => q.where(contains('search_key', query.search ?? '')));
      const { total } = await found.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
      const rows = await found
        .selectAll()
        .orderBy('updated_at', 'desc')
        .orderBy('uid', 'desc')
        .limit(query.limit)
        .offset(query.offset)
        .execute();
      return { items: rows.map(toTemplate), total };
    });
  }

  createTemplate(record: TemplateRecord): Promise<void> {
    return this.#write(async (db) => {
      await db
        .insertInto('templates')
        .values({
          uid: record.uid,
          container: record.container,
          identifier: record.identifier,
          search_key: templateSearchKey(record.document, record.identifier),
          document: JSON.stringify(record.document),
          revision: record.revision,
          created_at: record.createdAtMs,
          updated_at: record.updatedAtMs,
        })
        .execute();
      await db
        .insertInto('template_identifiers')
        .values({ identifier: record.identifier, template_uid: record.uid, expires_at: null })
        .execute();
    });
  }

  updateTemplate(
    container: string,
    uid: string,
    document: TemplateDocument,
    nowMs: number,
    revision?: number,
  ): Promise<TemplateRecord | undefined> {
    return this.#change({ kind: 'rules', container }, async (db) => {
      const stored = await forUpdate(this.#database.dialect, selectTemplate(db, container, uid)).executeTakeFirst();
      if (stored === undefined) return undefined;
      if (revision !== undefined && revision !== stored.revision) throw changedMeanwhile('template', stored.revision);
      return this.#storeTemplate(db, stored, document, nowMs);
    });
  }

  rotateTemplate(
    container: string,
    uid: string,
    identifier: string,
    overlapUntilMs: number,
    nowMs: number,
  ): Promise<TemplateRecord | undefined> {
    return this.#change({ kind: 'rules', container }, async (db) => {
      const stored = await forUpdate(this.#database.dialect, selectTemplate(db, container, uid)).executeTakeFirst();
      if (stored === undefined) return undefined;
      await db
        .updateTable('template_identifiers')
        .set({ expires_at: overlapUntilMs })
        .where('identifier', '=', stored.identifier)
        .execute();
      await db.insertInto('template_identifiers').values({ identifier, template_uid: uid, expires_at: null }).execute();
      return this.#storeTemplate(db, { ...stored, identifier }, documentOf(stored), nowMs);
    });
  }

  setTemplatesActive(
    container: string,
    uids: readonly string[],
    active: boolean,
    nowMs: number,
  ): Promise<readonly TemplateRecord[]> {
    if (uids.length === 0) return Promise.resolve([]);
    return this.#change({ kind: 'rules', container }, async (db) => {
      const rows = await forUpdate(
        this.#database.dialect,
        db
          .selectFrom('templates')
          .selectAll()
          .where('container', '=', container)
          .where('uid', 'in', [...new Set(uids)])
          .orderBy('uid'),
      ).execute();
      const records: TemplateRecord[] = [];
      for (const row of rows) {
        const document = documentOf(row);
        const isChange = document.active !== active;
        records.push(isChange ? await this.#storeTemplate(db, row, { ...document, active }, nowMs) : toTemplate(row));
      }
      return records;
    });
  }

  deleteTemplate(container: string, uid: string): Promise<boolean> {
    return this.#change({ kind: 'rules', container }, async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom('templates')
        .where('container', '=', container)
        .where('uid', '=', uid)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    });
  }

  findSecretKeyByHash(container: string, secretHash: string): Promise<SecretKeyRecord | undefined> {
    return this.#query(async (db) => {
      const row = await db
        .selectFrom('secret_keys')
        .selectAll()
        .where('secret_hash', '=', secretHash)
        .where('container', '=', container)
        .executeTakeFirst();
      return row && toSecretKey(row);
    });
  }

  findSecretKey(container: string, uid: string): Promise<SecretKeyRecord | undefined> {
    return this.#query(async (db) => {
      const row = await selectSecretKey(db, container, uid).executeTakeFirst();
      return row && toSecretKey(row);
    });
  }

  listSecretKeys(container: string, query: AdminListQuery): Promise<Page<SecretKeyRecord>> {
    return this.#query(async (db) => {
      const found = db
        .selectFrom('secret_keys')
        .where('container', '=', container)
        .$if(query.search !== undefined, (q) => q.where(contains('search_key', query.search ?? '')));
      const { total } = await found.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
      const rows = await found
        .selectAll()
        .orderBy('updated_at', 'desc')
        .orderBy('uid', 'desc')
        .limit(query.limit)
        .offset(query.offset)
        .execute();
      return { items: rows.map(toSecretKey), total };
    });
  }

  createSecretKey(record: SecretKeyRecord): Promise<void> {
    return this.#write(async (db) => {
      await db
        .insertInto('secret_keys')
        .values({
          uid: record.uid,
          container: record.container,
          secret_hash: record.secretHash,
          prefix: record.prefix,
          search_key: secretKeySearchKey(record.document, record.prefix),
          document: JSON.stringify(record.document),
          revision: record.revision,
          created_at: record.createdAtMs,
          updated_at: record.updatedAtMs,
          last_used_at: record.lastUsedAtMs ?? null,
        })
        .execute();
    });
  }

  updateSecretKey(
    container: string,
    uid: string,
    document: TemplateDocument,
    nowMs: number,
    revision?: number,
  ): Promise<SecretKeyRecord | undefined> {
    return this.#change({ kind: 'rules', container }, async (db) => {
      const stored = await forUpdate(this.#database.dialect, selectSecretKey(db, container, uid)).executeTakeFirst();
      if (stored === undefined) return undefined;
      if (revision !== undefined && revision !== stored.revision) throw changedMeanwhile('secret key', stored.revision);
      return this.#storeSecretKey(db, stored, document, nowMs);
    });
  }

  setSecretKeysActive(
    container: string,
    uids: readonly string[],
    active: boolean,
    nowMs: number,
  ): Promise<readonly SecretKeyRecord[]> {
    if (uids.length === 0) return Promise.resolve([]);
    return this.#change({ kind: 'rules', container }, async (db) => {
      const rows = await forUpdate(
        this.#database.dialect,
        db
          .selectFrom('secret_keys')
          .selectAll()
          .where('container', '=', container)
          .where('uid', 'in', [...new Set(uids)])
          .orderBy('uid'),
      ).execute();
      const records: SecretKeyRecord[] = [];
      for (const row of rows) {
        const document = documentOf(row);
        const isChange = document.active !== active;
        records.push(isChange ? await this.#storeSecretKey(db, row, { ...document, active }, nowMs) : toSecretKey(row));
      }
      return records;
    });
  }

  deleteSecretKey(container: string, uid: string): Promise<boolean> {
    return this.#change({ kind: 'rules', container }, async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom('secret_keys')
        .where('container', '=', container)
        .where('uid', '=', uid)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    });
  }

  touchSecretKey(container: string, uid: string, nowMs: number): Promise<void> {
    return this.#query(async (db) => {
      await db
        .updateTable('secret_keys')
        .set({ last_used_at: nowMs })
        .where('uid', '=', uid)
        .where('container', '=', container)
        .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', nowMs - TOUCH_EVERY_MS)]))
        .execute();
    });
  }

  revokeKeys(container: string, revocation: Revocation): Promise<void> {
    const { keys, issuedUntilMs, revokedAtMs, revokedBy, expiresAtMs } = revocation;
    const change: RuleChange = {
      kind: 'revocations',
      container,
      ...(keys.kind === 'key' ? { keyId: keys.keyId } : {}),
    };
    return this.#change(change, async (db) => {
      await db
        .insertInto('revocations')
        .values({
          container,
          kind: keys.kind,
          ...namesOf(keys),
          issued_until: issuedUntilMs,
          revoked_at: revokedAtMs,
          revoked_by: revokedBy,
          expires_at: expiresAtMs,
        })
        .onConflict((conflict) =>
          conflict.columns(['container', 'kind', 'matched']).doUpdateSet((eb) => ({
            issued_until: later(eb.ref('excluded.issued_until'), eb.ref('revocations.issued_until')),
            expires_at: later(eb.ref('excluded.expires_at'), eb.ref('revocations.expires_at')),
            revoked_at: eb.ref('excluded.revoked_at'),
            revoked_by: eb.ref('excluded.revoked_by'),
          })),
        )
        .execute();
    });
  }

  isKeyRevoked(container: string, key: RevocableKey): Promise<boolean> {
    const { keyId, subjectHash, source, issuedAtMs } = key;
    const meant = [
      { kind: 'key', matched: keyId },
      { kind: source.kind, matched: source.id },
      { kind: 'container', matched: '' },
      ...(subjectHash === undefined ? [] : [{ kind: 'subject' as const, matched: subjectHash }]),
    ] as const;
    return this.#query(async (db) => {
      const row = await db
        .selectFrom('revocations')
        .select('kind')
        .where('container', '=', container)
        .where((eb) => eb.or(meant.map(({ kind, matched }) => eb.and({ kind, matched }))))
        .where('issued_until', '>=', issuedAtMs)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    });
  }

  listRevocations(
    container: string,
    query: Pick<AdminListQuery, 'offset' | 'limit'>,
    nowMs: number,
  ): Promise<Page<Revocation>> {
    return this.#query(async (db) => {
      const found = db.selectFrom('revocations').where('container', '=', container).where('expires_at', '>', nowMs);
      const { total } = await found.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
      const rows = await found
        .selectAll()
        .orderBy('revoked_at', 'desc')
        .orderBy('kind', 'desc')
        .orderBy('matched', 'desc')
        .limit(query.limit)
        .offset(query.offset)
        .execute();
      return { items: rows.map(toRevocation), total };
    });
  }

  createLoginLink(record: LoginLink): Promise<void> {
    return this.#write(async (db) => {
      await db.insertInto('login_links').values(fromLink(record)).execute();
    });
  }

  spendLoginLink(tokenHash: string, nowMs: number): Promise<boolean> {
    return this.#write(async (db) => {
      const spent = await db
        .deleteFrom('login_links')
        .where('token_hash', '=', tokenHash)
        .returning('expires_at')
        .executeTakeFirst();
      return spent !== undefined && spent.expires_at > nowMs;
    });
  }

  createSession(record: SessionRecord): Promise<void> {
    return this.#write(async (db) => {
      const { container: secret_key_container = null, uid: secret_key_uid = null } = record.secretKey ?? {};
      await db
        .insertInto('sessions')
        .values({ ...fromLink(record), secret_key_container, secret_key_uid })
        .execute();
    });
  }

  findSession(tokenHash: string, nowMs: number): Promise<SessionRecord | undefined> {
    return this.#query(async (db) => {
      const row = await db
        .selectFrom('sessions')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .where('expires_at', '>', nowMs)
        .executeTakeFirst();
      return row && toSession(row);
    });
  }

  deleteSession(tokenHash: string): Promise<void> {
    return this.#write(async (db) => {
      await db.deleteFrom('sessions').where('token_hash', '=', tokenHash).execute();
    });
  }

  sweep(nowMs: number): Promise<number> {
    return this.#write(async (db) => {
      let gone = 0n;
      for (const table of ['login_links', 'sessions', 'revocations', 'template_identifiers'] as const) {
        const { numDeletedRows } = await db
          .deleteFrom(table)
          .where('expires_at', '<=', nowMs)
          .executeTakeFirstOrThrow();
        gone += numDeletedRows;
      }
      return Number(gone);
    });
  }

  #createContainer(token: string, nowMs: number): Promise<Container> {
    return this.#write(async (db) => {
      await db
        .insertInto('containers')
        .values({ id: randomUUID(), token, created_at: nowMs })
        .onConflict((conflict) => conflict.column('token').doNothing())
        .execute();
      await insertRoot(db, token, nowMs);
      // Another node may have been first; whoever was, there is now one.
      return toContainer(
        await db.selectFrom('containers').selectAll().where('token', '=', token).executeTakeFirstOrThrow(),
      );
    });
  }

  async #storeTemplate(
    db: Executor,
    stored: Selectable<TemplateTable>,
    document: TemplateDocument,
    nowMs: number,
  ): Promise<TemplateRecord> {
    const row = {
      ...stored,
      search_key: templateSearchKey(document, stored.identifier),
      document: JSON.stringify(document),
      revision: stored.revision + 1,
      updated_at: nowMs,
    };
    await db.updateTable('templates').set(row).where('uid', '=', stored.uid).execute();
    return toTemplate(row);
  }

  async #storeSecretKey(
    db: Executor,
    stored: Selectable<SecretKeyTable>,
    document: TemplateDocument,
    nowMs: number,
  ): Promise<SecretKeyRecord> {
    const change = {
      search_key: secretKeySearchKey(document, stored.prefix),
      document: JSON.stringify(document),
      revision: stored.revision + 1,
      updated_at: nowMs,
    };
    await db.updateTable('secret_keys').set(change).where('uid', '=', stored.uid).execute();
    return toSecretKey({ ...stored, ...change });
  }

  #query<T>(work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.query('STORE_UNAVAILABLE', work);
  }

  #write<T>(work: (db: Executor) => Promise<T>): Promise<T> {
    return this.#database.write('STORE_UNAVAILABLE', work);
  }

  /** A transaction of which every node must hear. */
  #change<T>(change: RuleChange, work: (db: Executor) => Promise<T>): Promise<T> {
    return writeAnnounced(this.#database, this.#bus, change, work);
  }
}

function selectTemplate(db: Executor, container: string, uid: string) {
  return db.selectFrom('templates').selectAll().where('uid', '=', uid).where('container', '=', container);
}

function selectSecretKey(db: Executor, container: string, uid: string) {
  return db.selectFrom('secret_keys').selectAll().where('uid', '=', uid).where('container', '=', container);
}

function changedMeanwhile(noun: string, revision: number): AppError {
  return new AppError('VERSION_MISMATCH', `the ${noun} is at revision ${revision}`);
}

function templateSearchKey(document: TemplateDocument, identifier: string): string {
  return searchKey(`${document.name}\n${identifier}`);
}

function secretKeySearchKey(document: TemplateDocument, prefix: string): string {
  return searchKey(`${document.name}\n${prefix}`);
}

const documents = new Map<string, TemplateDocument>();
const DOCUMENTS_MAX = 1_000;

/** Equal texts give one and the same frozen document, so that whoever compiles it needs to do so once, not on every request. */
function documentOf(row: { readonly document: string }): TemplateDocument {
  const known = documents.get(row.document);
  if (known !== undefined) return known;
  // Only this file writes the column, and only from documents.
  const document: TemplateDocument = JSON.parse(row.document, (_name, value) => Object.freeze(value));
  const [oldest] = documents.keys();
  if (documents.size >= DOCUMENTS_MAX && oldest !== undefined) documents.delete(oldest);
  documents.set(row.document, document);
  return document;
}

function toContainer(row: Selectable<ContainerTable>): Container {
  return { id: row.id, token: row.token, createdAtMs: row.created_at };
}

function toTemplate(row: Selectable<TemplateTable>): TemplateRecord {
  return {
    uid: row.uid,
    container: row.container,
    identifier: row.identifier,
    document: documentOf(row),
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}

function toSecretKey(row: Selectable<SecretKeyTable>): SecretKeyRecord {
  return {
    uid: row.uid,
    container: row.container,
    secretHash: row.secret_hash,
    prefix: row.prefix,
    document: documentOf(row),
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    lastUsedAtMs: row.last_used_at ?? undefined,
  };
}

/** What keys are compared with, and what people know it by. */
function namesOf(keys: RevokedKeys): { readonly matched: string; readonly named: string } {
  switch (keys.kind) {
    case 'key':
      return { matched: keys.keyId, named: keys.keyId };
    case 'subject':
      return { matched: keys.subjectHash, named: keys.subject };
    case 'container':
      return { matched: '', named: '' };
    default:
      return { matched: keys.uid, named: keys.uid };
  }
}

function toRevocation(row: Selectable<RevocationTable>): Revocation {
  const { kind, matched, named } = row;
  return {
    keys:
      kind === 'key'
        ? { kind, keyId: named }
        : kind === 'subject'
          ? { kind, subject: named, subjectHash: matched }
          : kind === 'container'
            ? { kind }
            : { kind, uid: named },
    issuedUntilMs: row.issued_until,
    revokedAtMs: row.revoked_at,
    revokedBy: row.revoked_by,
    expiresAtMs: row.expires_at,
  };
}

/** SQLite and PostgreSQL have the larger of two under different names. */
function later(left: Expression<number>, right: Expression<number>): Expression<number> {
  return sql<number>`case when ${left} > ${right} then ${left} else ${right} end`;
}

function fromLink(record: LoginLink) {
  return { token_hash: record.tokenHash, created_at: record.createdAtMs, expires_at: record.expiresAtMs };
}

function toSession(row: Selectable<SessionTable>): SessionRecord {
  const { secret_key_container: container, secret_key_uid: uid } = row;
  return {
    tokenHash: row.token_hash,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    ...(container === null || uid === null ? {} : { secretKey: { container, uid } }),
  };
}
