// Kept searches over HTTP (wire contract 10).
import { z } from 'zod';
import { createPin, deletePin, listPins, renamePin } from '../operations/pins.ts';
import type { PinRecord } from '../ports/collections.ts';
import { parseBody } from './input.ts';
import { route } from './route.ts';
import { isoTime } from './wire.ts';

const pinBody = z.object({ name: z.unknown().optional(), query: z.unknown().optional() });

export const pinRoutes = [
  route({
    method: 'GET',
    paths: ['/{v}/pins'],
    operations: ['pin.list'],
    summary: 'Lists the searches that the person behind the key keeps.',
    async handle(call) {
      const grant = await call.admit([{ operation: 'pin.list', targets: [] }]);
      return { pins: (await listPins(call.ports, grant)).map(wirePin) };
    },
  }),
  route({
    method: 'POST',
    paths: ['/{v}/pins'],
    operations: ['pin.create'],
    summary: 'Keeps a search for the person behind the key.',
    async handle(call) {
      const input = parseBody(pinBody, call.body);
      const grant = await call.admit([{ operation: 'pin.create', targets: [] }]);
      return { action: 'pin_created', pin: wirePin(await createPin(call.ports, grant, input)) };
    },
  }),
  route({
    method: 'PUT',
    paths: ['/{v}/pins/:uuid', '/{v}/pin/:uuid'],
    operations: ['pin.update'],
    summary: 'Gives a kept search another name.',
    async handle(call) {
      const { name } = parseBody(pinBody, call.body);
      const grant = await call.admit([{ operation: 'pin.update', targets: [] }]);
      const pin = await renamePin(call.ports, grant, call.params['uuid'] ?? '', name);
      return { action: 'pin_updated', pin: wirePin(pin) };
    },
  }),
  route({
    method: 'DELETE',
    paths: ['/{v}/pins/:uuid', '/{v}/pin/:uuid'],
    operations: ['pin.delete'],
    summary: 'Forgets a kept search.',
    async handle(call) {
      const id = call.params['uuid'] ?? '';
      const grant = await call.admit([{ operation: 'pin.delete', targets: [] }]);
      await deletePin(call.ports, grant, id);
      return { action: 'pin_deleted', deleted_pin_uuid: id };
    },
  }),
];

function wirePin({ id, name, query, createdAtMs }: PinRecord): object {
  return { uuid: id, name, query, created_at: isoTime(createdAtMs) };
}
