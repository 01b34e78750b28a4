// Pins: searches that people keep for themselves.
import { randomUUID } from 'node:crypto';
import { AppError, type FieldFault } from '../errors.ts';
import type { Grant } from '../grant.ts';
import type { PinRecord } from '../ports/collections.ts';
import type { Ports } from '../ports/index.ts';
import { personOf } from './people.ts';
import { parseTitle } from './sharing.ts';

/** Bounds of pins. */
export const PINS = { perPersonMax: 200, nameCharactersMax: 100, queryCharactersMax: 8000 } as const;

/** The caller's pins, the newest first. */
export async function listPins(ports: Pick<Ports, 'pins'>, grant: Grant<'pin.list'>): Promise<readonly PinRecord[]> {
  return ports.pins.listPins(grant.container, personOf(grant).id);
}

/** Keeps a search for the caller. Raises REQUEST_INVALID with every fault. */
export async function createPin(
  ports: Pick<Ports, 'pins' | 'system'>,
  grant: Grant<'pin.create'>,
  input: { readonly name?: unknown; readonly query?: unknown },
): Promise<PinRecord> {
  const faults: FieldFault[] = [];
  const name = parseTitle(input.name, PINS.nameCharactersMax, 'name', faults);
  const query = parseQuery(input.query, faults);
  const personId = personOf(grant).id;
  if (faults.length === 0 && (await ports.pins.listPins(grant.container, personId)).length >= PINS.perPersonMax) {
    faults.push({ field: 'name', code: 'TOO_MANY', message: `A person may keep ${PINS.perPersonMax} searches.` });
  }
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'pin', { faults });
  const record = {
    id: randomUUID(),
    container: grant.container,
    personId,
    name,
    query,
    createdAtMs: ports.system.now(),
  };
  await ports.pins.createPin(record);
  return record;
}

/** Gives one of the caller's pins another name. Raises PIN_NOT_FOUND, REQUEST_INVALID. */
export async function renamePin(
  ports: Pick<Ports, 'pins'>,
  grant: Grant<'pin.update'>,
  id: string,
  said: unknown,
): Promise<PinRecord> {
  const faults: FieldFault[] = [];
  const name = parseTitle(said, PINS.nameCharactersMax, 'name', faults);
  if (faults.length > 0) throw new AppError('REQUEST_INVALID', 'pin', { faults });
  return ports.pins.renamePin(grant.container, personOf(grant).id, id, name);
}

/** Forgets one of the caller's pins. Raises PIN_NOT_FOUND. */
export async function deletePin(ports: Pick<Ports, 'pins'>, grant: Grant<'pin.delete'>, id: string): Promise<void> {
  await ports.pins.deletePin(grant.container, personOf(grant).id, id);
}

/** Clients read a query back without a guard: it has to be the JSON of an object. */
function parseQuery(said: unknown, faults: FieldFault[]): string {
  const text = typeof said === 'string' ? said : typeof said === 'object' && said !== null ? JSON.stringify(said) : '';
  if (text.length > PINS.queryCharactersMax) {
    const message = `A kept search may have ${PINS.queryCharactersMax} characters.`;
    faults.push({ field: 'query', code: 'TOO_LARGE', message });
  } else if (!isObjectText(text) || /\0|\p{Cs}/u.test(text)) {
    faults.push({ field: 'query', code: 'FORMAT_WRONG', message: 'The JSON of an object is needed here.' });
  }
  return text;
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
