// Product information over HTTP (wire contract 9).
import { z } from 'zod';
import { demandOn } from '../operations/files.ts';
import {
  assignProduct,
  listProductFiles,
  listProducts,
  parsePlace,
  parsePosition,
  parseProductRef,
  renameProduct,
  setProduct,
  setProductPosition,
} from '../operations/products.ts';
import { fileUuid } from '../ports/metadata.ts';
import type { TextMatch } from '../ports/search.ts';
import { BULK_MAX, idList, pagingOf, parseBody } from './input.ts';
import { fileOf, filesOf } from './lookup.ts';
import type { Query } from './query.ts';
import { type Call, route } from './route.ts';
import { showFile, showFiles } from './shown.ts';

const position = z.union([z.number(), z.string()]).nullable();
const productBody = z.object({
  product: z
    .object({ ref: z.string().nullish(), position: position.optional() })
    .refine((said) => said.ref !== undefined || said.position !== undefined, 'Say a reference, a position or both.'),
});
const positionBody = z.object({ position });
const filesBody = z.object({ files_uuids: idList.min(1) });
const refBody = z.object({ ref: z.string() });

export const productRoutes = [
  route({
    method: 'PUT',
    paths: ['/{v}/file/:uuid/product', '/{v}/files/:uuid/product'],
    operations: ['file.setProduct'],
    summary:
      'Says which product a file shows and in which place; a null reference takes it away, and without one the product stays.',
    async handle(call) {
      const { product } = parseBody(productBody, call.body);
      const place = parsePlace(product, 'product');
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.setProduct', [file])]);
      // Who says a place alone does not mean that the product is taken away.
      const changed =
        product.ref === undefined
          ? await setProductPosition(call.ports, grant, file, place.position)
          : await setProduct(call.ports, grant, file, place);
      return {
        action: 'product_ref_updated',
        product_ref: changed.productRef ?? null,
        product_position: changed.productPosition ?? null,
        file_uuid: fileUuid(changed),
        file: await showFile(call, changed),
      };
    },
  }),
  route({
    method: 'PATCH',
    paths: ['/{v}/file/:uuid/product/position', '/{v}/files/:uuid/product/position'],
    operations: ['file.setProduct'],
    summary: 'Gives a file another place among the files of its product.',
    async handle(call) {
      const wanted = parsePosition(parseBody(positionBody, call.body).position, 'position');
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.setProduct', [file])]);
      const changed = await setProductPosition(call.ports, grant, file, wanted);
      return {
        action: 'product_position_updated',
        product_ref: changed.productRef ?? null,
        product_position: changed.productPosition ?? null,
        file_uuid: fileUuid(changed),
        file: await showFile(call, changed),
      };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/product/:ref/files', '/{v}/products/:ref/files'],
    operations: ['file.setProduct'],
    summary: 'Lets files show a product, behind those that do already.',
    async handle(call) {
      const ref = refOf(call);
      const files = await filesOf(call, parseBody(filesBody, call.body).files_uuids);
      const grant = await call.admit([demandOn('file.setProduct', files)]);
      const changed = await assignProduct(call.ports, grant, files, ref);
      return {
        action: 'product_files_updated',
        product_ref: ref,
        files_uuids: changed.map(fileUuid),
        files: await showFiles(call, changed),
      };
    },
  }),
  route({
    method: 'PATCH',
    paths: ['/{v}/product/:ref', '/{v}/products/:ref'],
    operations: ['product.rename'],
    summary: 'Gives a product another reference on every file within the listing scope.',
    async handle(call) {
      const to = parseProductRef(parseBody(refBody, call.body).ref, 'ref');
      const grant = await call.admit([{ operation: 'product.rename', targets: [] }]);
      const changed = await renameProduct(call.ports, grant, refOf(call), to);
      return { action: 'product_ref_updated', new_product_ref: to, files_uuids: changed.map(fileUuid) };
    },
  }),
  filesRoute(
    ['assets', 'files'],
    false,
    'Lists the files within the listing scope that show a product, in their order.',
  ),
  filesRoute(['images'], true, 'Lists the images within the listing scope that show a product, in their order.'),
  route({
    method: 'GET',
    paths: ['/{v}/products'],
    operations: ['product.list'],
    summary: 'Lists the products of files within the listing scope: all, those in refs, or by what q says of them.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'product.list', targets: [] }]);
      const found = await listProducts(call.ports, grant, wantedOf(call.query), pagingOf(call.query));
      return {
        products: found.map(({ ref, files, images }) => ({
          ref,
          reference: ref,
          stats: { count_assets: files, count_images: images },
        })),
      };
    },
  }),
];

function filesRoute(nouns: readonly string[], imagesOnly: boolean, summary: string) {
  return route({
    method: 'GET',
    paths: nouns.flatMap((noun) => [`/{v}/product/:ref/${noun}`, `/{v}/products/:ref/${noun}`]),
    operations: ['product.get'],
    summary,
    async handle(call) {
      const grant = await call.admit([{ operation: 'product.get', targets: [] }]);
      const { limit, offset } = pagingOf(call.query);
      const files = await listProductFiles(call.ports, grant, refOf(call), { limit, offset, imagesOnly });
      return { files: await showFiles(call, files) };
    },
  });
}

function refOf(call: Call): string {
  return parseProductRef(call.params['ref'] ?? '', 'product');
}

/** `refs=A,B`, or `q=reference~^SK` as the widget writes "begins with"; quotes are taken off, and a text alone is a beginning. */
function wantedOf(query: Query): { readonly refs?: readonly string[]; readonly matching?: TextMatch } {
  const refs = query.one('refs');
  if (refs !== undefined) {
    const list = refs.split(',').map((ref) => ref.trim());
    return { refs: list.filter((ref) => ref !== '').slice(0, BULK_MAX) };
  }
  const said = /^(?:(?:product_)?ref(?:erence)?(~\^|~=|~|:=|:|=))?"?([^"]*)"?$/.exec(query.one('q') ?? '');
  const [, operator = '~^', text = ''] = said ?? [];
  if (text.trim() === '') return {};
  return { matching: { is: operator === '~^' ? 'begins' : operator.startsWith('~') ? 'contains' : 'equal', text } };
}
