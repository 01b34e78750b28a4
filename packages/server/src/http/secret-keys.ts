// Secret keys over HTTP (product definition sections 3 and 8).
import type { Saved } from '../operations/documents.ts';
import {
  createSecretKey,
  deleteSecretKey,
  getSecretKey,
  listSecretKeys,
  patchSecretKey,
  replaceSecretKey,
  rightsOf,
  setSecretKeysActive,
} from '../operations/secret-keys.ts';
import type { SecretKeyRecord } from '../ports/templates.ts';
import { adminListOf, changeOf, idsOf, stamps, tagRevision } from './documents.ts';
import { type Call, type Route, route } from './route.ts';

const LIST = ['/{v}/secret-keys'];
const ONE = ['/{v}/secret-keys/:id'];

/** The rights with what the store adds to them; never the secret. */
function wireSecretKey(record: SecretKeyRecord) {
  const { uid, revision, prefix, document, lastUsedAtMs } = record;
  const last_used_at = lastUsedAtMs === undefined ? null : new Date(lastUsedAtMs).toISOString();
  return { id: uid, uid, revision, prefix, ...rightsOf(document), ...stamps(record), last_used_at };
}

function answerOne(call: Call, record: SecretKeyRecord) {
  tagRevision(call, record);
  return { secret_key: wireSecretKey(record) };
}

function answerSaved(call: Call, { record, warnings }: Saved<SecretKeyRecord>) {
  return { ...answerOne(call, record), warnings };
}

const idOf = (call: Call) => call.params['id'] ?? '';
const none = { targets: [] } as const;

const switchRoute = (verb: 'activate' | 'deactivate', active: boolean, summary: string) =>
  route({
    method: 'POST',
    paths: [`/{v}/secret-keys/${verb}`],
    operations: ['secretKey.activate'],
    summary,
    handle: async (call) => {
      const ids = idsOf(call.body);
      const grant = await call.admit([{ operation: 'secretKey.activate', ...none }]);
      const records = await setSecretKeysActive(call.ports, grant, ids, active);
      return { secret_keys: records.map(wireSecretKey), info: { total: records.length } };
    },
  });

/** Rows of the route table about secret keys. */
export const secretKeyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    paths: LIST,
    operations: ['secretKey.list'],
    summary: 'List the secret keys, newest change first.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'secretKey.list', ...none }]);
      const { items, total } = await listSecretKeys(call.ports, grant, adminListOf(call.query));
      call.reply.header('cache-control', 'no-store');
      return { secret_keys: items.map(wireSecretKey), info: { total } };
    },
  }),
  route({
    method: 'POST',
    paths: LIST,
    operations: ['secretKey.create'],
    summary: 'Make a secret key; the answer shows the secret this once.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'secretKey.create', ...none }]);
      const made = await createSecretKey(call.ports, grant, changeOf(call, 'secret_key').input);
      const answer = answerSaved(call, made);
      return { ...answer, secret_key: { ...answer.secret_key, secret: made.secret } };
    },
  }),
  switchRoute('activate', true, 'Switch secret keys on.'),
  switchRoute('deactivate', false, 'Switch secret keys off; access keys made from them die at once.'),
  route({
    method: 'GET',
    paths: ONE,
    operations: ['secretKey.get'],
    summary: 'Read one secret key.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'secretKey.get', ...none }]);
      return answerOne(call, await getSecretKey(call.ports, grant, idOf(call)));
    },
  }),
  route({
    method: 'PUT',
    paths: ONE,
    operations: ['secretKey.update'],
    summary: 'Replace the rights of a secret key; the secret stays.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'secretKey.update', ...none }]);
      return answerSaved(call, await replaceSecretKey(call.ports, grant, idOf(call), changeOf(call, 'secret_key')));
    },
  }),
  route({
    method: 'PATCH',
    paths: ONE,
    operations: ['secretKey.update'],
    summary: 'Change members of a secret key; null takes one back to its default.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'secretKey.update', ...none }]);
      return answerSaved(call, await patchSecretKey(call.ports, grant, idOf(call), changeOf(call, 'secret_key')));
    },
  }),
  route({
    method: 'DELETE',
    paths: ONE,
    operations: ['secretKey.delete'],
    summary: 'Delete a secret key with every access key made from it.',
    handle: async (call) => {
      const grant = await call.admit([{ operation: 'secretKey.delete', ...none }]);
      await deleteSecretKey(call.ports, grant, idOf(call));
      return {};
    },
  }),
];
