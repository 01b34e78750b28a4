// Favourites over HTTP (wire contract 5.9).
import { z } from 'zod';
import { addFavorites, FAVORITES, listFavorites, removeFavorites } from '../operations/favorites.ts';
import { demandOn } from '../operations/files.ts';
import { fileUuid } from '../ports/metadata.ts';
import { idList, parseBody } from './input.ts';
import { filesOf } from './lookup.ts';
import { type Call, route } from './route.ts';
import { showFiles } from './shown.ts';

const paths = ['/{v}/users/favorites', '/{v}/user/favorites'];

const namedBody = z.object({ files_uuids: idList.min(1) });

export const favoriteRoutes = [
  route({
    method: 'GET',
    paths,
    operations: ['favorite.list'],
    summary:
      'Lists the files within the listing scope that the person behind the key keeps as favourites, latest first.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'favorite.list', targets: [] }]);
      const { query } = call;
      const { files, total } = await listFavorites(call.ports, grant, {
        offset: query.int('offset', 0, 0, FAVORITES.perPersonMax),
        limit: query.int('limit', FAVORITES.perPersonMax, 1, FAVORITES.perPersonMax),
      });
      return { files: await showFiles(call, files), info: { total_files_count: total } };
    },
  }),
  route({
    method: 'POST',
    paths,
    operations: ['favorite.change'],
    summary: 'Makes files favourites of the person behind the key, all or none.',
    async handle(call) {
      const { files, grant } = await named(call);
      const added = await addFavorites(call.ports, grant, files);
      return {
        action: 'favorites_added',
        files_uuids: added.map(fileUuid),
        files: await showFiles(call, added),
      };
    },
  }),
  route({
    method: 'DELETE',
    paths,
    operations: ['favorite.change'],
    summary: 'Takes files off the favourites of the person behind the key.',
    async handle(call) {
      const { files, grant } = await named(call);
      await removeFavorites(call.ports, grant, files);
      return {
        action: 'favorites_removed',
        files_uuids: files.map(fileUuid),
        files: await showFiles(call, files),
      };
    },
  }),
];

async function named(call: Call<'favorite.change'>) {
  const files = await filesOf(call, parseBody(namedBody, call.body).files_uuids);
  return { files, grant: await call.admit([demandOn('favorite.change', files)]) };
}
