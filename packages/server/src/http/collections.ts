// Collections over HTTP (wire contract 10).
import { z } from 'zod';
import { changeCollection, createCollection, deleteCollections, listCollections } from '../operations/collections.ts';
import { listVirtualFolders } from '../operations/virtual-folders.ts';
import type { CollectionRecord } from '../ports/collections.ts';
import { idList, parseBody } from './input.ts';
import { type Call, route } from './route.ts';
import { isoTime } from './wire.ts';

const collectionBody = z.object({
  title: z.unknown().optional(),
  visibility: z.unknown().optional(),
  shared_with: z.unknown().optional(),
  data: z.object({ filters: z.unknown().optional(), groupby: z.unknown().optional() }).nullish(),
});
const namedBody = z.object({ collections_uuids: idList.min(1) });

export const collectionRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/collections'],
    operations: ['collection.list'],
    summary: 'Lists the collections that are for the caller.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'collection.list', targets: [] }]);
      return { collections: (await listCollections(call.ports, grant)).map(wireCollection) };
    },
  }),
  route({
    method: 'GET',
    paths: ['/{v}/collections/:uuid/folders', '/{v}/collection/:uuid/folders'],
    operations: ['collection.list'],
    summary: 'Lists the virtual folders of a collection: what it is split by within the listing scope.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'collection.list', targets: [] }]);
      return { folders: await listVirtualFolders(call.ports, grant, call.params['uuid'] ?? '') };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/collections'],
    operations: ['collection.create'],
    summary: 'Makes a collection: a search that is kept, and what its virtual folders are made of.',
    async handle(call) {
      const input = parseBody(collectionBody, call.body);
      const grant = await call.admit([{ operation: 'collection.create', targets: [] }]);
      const made = await createCollection(call.ports, grant, input);
      return { action: 'collection_created', collection: wireCollection(made) };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/collections/:uuid', '/{v}/collection/:uuid'],
    operations: ['collection.update'],
    summary: 'Changes the members of a collection that the request has; the others stay.',
    async handle(call) {
      const input = parseBody(collectionBody, call.body);
      const grant = await call.admit([{ operation: 'collection.update', targets: [] }]);
      const changed = await changeCollection(call.ports, grant, call.params['uuid'] ?? '', input);
      return { action: 'collection_updated', collection: wireCollection(changed) };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/collections'],
    operations: ['collection.delete'],
    summary: 'Deletes collections, all or none; their files stay.',
    async handle(call) {
      return remove(call, parseBody(namedBody, call.body).collections_uuids);
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/collections/:uuid', '/{v}/collection/:uuid'],
    operations: ['collection.delete'],
    summary: 'Deletes a collection; its files stay.',
    async handle(call) {
      return remove(call, [call.params['uuid'] ?? '']);
    },
  }),
];

async function remove(call: Call<'collection.delete'>, ids: readonly string[]): Promise<object> {
  const grant = await call.admit([{ operation: 'collection.delete', targets: [] }]);
  await deleteCollections(call.ports, grant, ids);
  return { action: 'collections_deleted', collections_uuids: [...new Set(ids)] };
}

function wireCollection({ id, document, createdAtMs, updatedAtMs }: CollectionRecord): object {
  const { title, type, visibility, sharedWith, filters, groupBy } = document;
  return {
    uuid: id,
    title,
    type,
    visibility,
    shared_with: sharedWith,
    data: { filters, groupby: groupBy },
    created_at: isoTime(createdAtMs),
    updated_at: isoTime(updatedAtMs),
  };
}
