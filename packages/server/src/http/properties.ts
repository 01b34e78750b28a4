// Properties of files over HTTP, for clients of the first generation (wire contract 5.7 and 12.1).
import { z } from 'zod';
import { demandOn } from '../operations/files.ts';
import { propertiesOf, setProperties } from '../operations/properties.ts';
import { TAGS } from '../operations/tags.ts';
import { fileUuid } from '../ports/metadata.ts';
import { parseBody } from './input.ts';
import { fileOf } from './lookup.ts';
import { route } from './route.ts';
import { showFile } from './shown.ts';

const labels = z.array(z.string()).max(TAGS.perLanguageMax);
// A list, or its labels separated by commas.
const labelText = z.string().transform((text) => text.split(',').map((label) => label.trim()));
const propertiesBody = z.object({
  properties: z.object({
    description: z.string().nullish(),
    search: z.string().nullish(),
    tags: z.union([labels, labelText]).nullish(),
    lang: z.string().max(35).nullish(),
  }),
});

export const propertyRoutes = [
  route({
    method: 'PUT',
    paths: ['/{v}/file/:uuid/properties', '/{v}/files/:uuid/properties'],
    operations: ['file.setMeta'],
    summary: 'Sets description, search words and tags of a file in the form of old clients.',
    async handle(call) {
      const { properties } = parseBody(propertiesBody, call.body);
      const { description, search, tags, lang } = properties;
      const file = await fileOf(call, call.params['uuid']);
      const grant = await call.admit([demandOn('file.setMeta', [file])]);
      const changed = await setProperties(call.ports, grant, file, {
        description,
        search,
        tags: tags?.filter((label) => label !== '') ?? undefined,
        lang: lang ?? undefined,
      });
      const wire = { ...(await showFile(call, changed)), properties: propertiesOf(changed, lang ?? undefined) };
      return { action: 'file_properties_updated', file_uuid: fileUuid(changed), file: wire };
    },
  }),
];
