// The hosts that widgets call besides the asset API (wire contract 11.1 and 11.2), so that they need no outside host.
import { PERMISSIONS } from '@latchkey/policy';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import { DEMO_TEMPLATE_UID } from '../operations/demo.ts';
import type { Ports } from '../ports/index.ts';
import { wireRoles } from './access.ts';
import { corsHeaders } from './cors.ts';
import { success } from './respond.ts';

/** Mounts translations, admin constants and the settings of the demo page. None of them tells anything private. */
export function registerWidgetServices(
  app: FastifyInstance,
  ports: Pick<Ports, 'templates'>,
  options: { readonly defaultContainer: string; readonly publicUrl: string | undefined },
): void {
  const open = (url: string, body: () => unknown) => {
    app.get(url, async (request, reply) => {
      corsHeaders(request, reply, undefined);
      return reply.send(body());
    });
  };
  // The widgets' own English texts are used when the translation service has none.
  open('/i18n/export', () => []);
  open('/admin/public/constants', () => success({ constants: {} }));
  // No connector to cloud drives is offered.
  open('/admin/project/:uuid/accesses/constants', () => success({ roles: wireRoles() }));
  open('/admin/keys/permissions', () => success({ permissions: PERMISSIONS.map((id) => ({ id, name: id })) }));
  open('/admin/constants/uploaders.connectors.endpoints/items', () => success({ items: [] }));

  app.get('/demo/config.json', async (request, reply) => {
    const template = await ports.templates.findTemplate(options.defaultContainer, DEMO_TEMPLATE_UID);
    if (template === undefined) {
      throw new AppError('TEMPLATE_NOT_FOUND', 'demo', {
        hint: 'The demo is switched off here, or its security template was deleted.',
      });
    }
    return reply.header('cache-control', 'no-store').send({
      status: 'success',
      container: options.defaultContainer,
      security_template_id: template.identifier,
      security_template_name: template.document.name,
      api_endpoint: options.publicUrl ?? `${request.protocol}://${request.host}`,
    });
  });
}
