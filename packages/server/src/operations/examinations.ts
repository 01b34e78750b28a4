// Looking at what was uploaded, after its upload was answered. Safe to run on every node at once.
import { AppError } from '../errors.ts';
import type { Examination } from '../ports/examinations.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/metadata.ts';

type Needs = Pick<Ports, 'examinations' | 'images' | 'system'>;

/** Looked at side by side; the images port has fewer processes than that, and a queue. */
const AT_ONCE = 4;
/** A look takes less; a node that ended in one leaves it to the others after this. */
const LEASE_MS = 5 * 60_000;
const BUSY_MS = 15_000;

/** Looks at some of what is due and stores what it finds; answers how many it took. Raises STORE_UNAVAILABLE. */
export async function examineDue(ports: Needs): Promise<number> {
  const lent = await ports.examinations.claim(AT_ONCE, ports.system.now(), LEASE_MS);
  await Promise.all(lent.map((examination) => examine(ports, examination)));
  return lent.length;
}

async function examine(ports: Needs, examination: Examination): Promise<void> {
  const { fileId, version, mime } = examination;
  let facts: JsonObject = {};
  try {
    if (ports.images.examines(mime)) facts = await ports.images.examine(examination);
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'INTERNAL';
    if (code === 'IMAGES_BUSY' || code === 'STORE_UNAVAILABLE') {
      await ports.examinations.postpone(examination, ports.system.now() + BUSY_MS);
      return;
    }
    const detail = error instanceof AppError ? error.detail : String(error);
    // Broken content has no facts, and will have none the next time either.
    ports.system.log.info('examination.unreadable', { fileId, version, mime, code, detail });
  }
  await ports.examinations.finish(examination, facts);
}
