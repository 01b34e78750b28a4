// The records that decisions rest on: from memory while the bus proves that memory is right, from the store otherwise.
import type { Accesses, FolderAccess } from '../ports/access.ts';
import type { Ports } from '../ports/index.ts';
import type { SecretKeyRecord, TemplateRecord, Templates } from '../ports/templates.ts';

/** Looks records up as the store does. Every method raises STORE_UNAVAILABLE. */
export type LiveRecords = Pick<
  Templates,
  'findTemplate' | 'findTemplateByIdentifier' | 'findSecretKey' | 'findSecretKeyByHash' | 'isKeyRevoked'
> &
  Pick<Accesses, 'listAccess'>;

/** Nothing is believed for longer, whatever the bus says: it does not hear of what was changed past this program. */
const REMEMBERED_MS_MAX = 4000;
/** Answers of each kind that are remembered at once; the oldest are forgotten first. */
const REMEMBERED_MAX = 20_000;

type Needs = Pick<Ports, 'templates' | 'accesses' | 'bus' | 'system'>;

/**
 * Records no older than the bus allows: a change made on this node counts for everything that is asked after it, one made on
 * another as soon as word of it arrives. While the bus cannot prove that it is heard, every question goes to the store.
 */
export function liveRecords(ports: Needs): LiveRecords {
  const { templates, accesses, bus, system } = ports;
  const templatesByUid = new Memory<TemplateRecord | undefined>(ports);
  const templatesByIdentifier = new Memory<TemplateRecord | undefined>(ports);
  const secretKeysByUid = new Memory<SecretKeyRecord | undefined>(ports);
  const secretKeysByHash = new Memory<SecretKeyRecord | undefined>(ports);
  const revocations = new Memory<boolean>(ports);
  const access = new Memory<readonly FolderAccess[]>(ports);
  const rules = [templatesByUid, templatesByIdentifier, secretKeysByUid, secretKeysByHash, access];

  bus.listen((change, delayMs) => {
    if (change.kind !== 'everything') system.meter.observe('revocationDelay', {}, delayMs / 1000);
    if (change.kind === 'everything') for (const memory of [...rules, revocations]) memory.clear();
    else if (change.kind === 'rules') for (const memory of rules) memory.forget(change.container);
    else revocations.forget(change.container, change.keyId);
  });

  // What is not there is not remembered: anybody can ask for it, and it may be made at any moment.
  const isThere = (record: unknown) => record !== undefined;
  return {
    findTemplate: (container, uid) =>
      templatesByUid.recall(container, uid, () => templates.findTemplate(container, uid), isThere),
    findTemplateByIdentifier: (container, identifier, nowMs) =>
      templatesByIdentifier.recall(
        container,
        identifier,
        () => templates.findTemplateByIdentifier(container, identifier, nowMs),
        // A rotated identifier ends at a time of its own, of which no bus tells.
        (record) => record?.identifier === identifier,
      ),
    findSecretKey: (container, uid) =>
      secretKeysByUid.recall(container, uid, () => templates.findSecretKey(container, uid), isThere),
    findSecretKeyByHash: (container, hash) =>
      secretKeysByHash.recall(container, hash, () => templates.findSecretKeyByHash(container, hash), isThere),
    listAccess: (container) =>
      access.recall(
        container,
        '',
        () => accesses.listAccess(container),
        () => true,
      ),
    isKeyRevoked: (container, key) =>
      revocations.recall(
        container,
        key.keyId,
        () => templates.isKeyRevoked(container, key),
        () => true,
      ),
  };
}

interface Remembered<T> {
  readonly answer: Promise<T>;
  readonly askedAtMs: number;
}

/** Answers of one kind, by container and name. An answer is kept from the moment of the question, so that a change that is told
 *  while the store is still being asked removes it too. */
class Memory<T> {
  readonly #ports: Needs;
  readonly #remembered = new Map<string, Remembered<T>>();

  constructor(ports: Needs) {
    this.#ports = ports;
  }

  recall(container: string, name: string, ask: () => Promise<T>, isKept: (answer: T) => boolean): Promise<T> {
    const { bus, system } = this.#ports;
    if (!bus.isCurrent()) return ask();
    const place = placeOf(container, name);
    const nowMs = system.now();
    const known = this.#remembered.get(place);
    // A clock that was set back makes an answer look as if it came from the future.
    if (known !== undefined && nowMs >= known.askedAtMs && nowMs - known.askedAtMs < REMEMBERED_MS_MAX) {
      return known.answer;
    }
    const fresh = { answer: ask(), askedAtMs: nowMs };
    this.#remembered.delete(place);
    this.#remembered.set(place, fresh);
    const [oldest] = this.#remembered.size > REMEMBERED_MAX ? this.#remembered.keys() : [];
    if (oldest !== undefined) this.#remembered.delete(oldest);
    const drop = () => {
      if (this.#remembered.get(place) === fresh) this.#remembered.delete(place);
    };
    fresh.answer.then((answer) => {
      if (!isKept(answer)) drop();
    }, drop);
    return fresh.answer;
  }

  /** Everything of the container, or only what has this name there. */
  forget(container: string, name?: string): void {
    if (name !== undefined) {
      this.#remembered.delete(placeOf(container, name));
      return;
    }
    const beginning = placeOf(container, '');
    for (const place of this.#remembered.keys()) if (place.startsWith(beginning)) this.#remembered.delete(place);
  }

  clear(): void {
    this.#remembered.clear();
  }
}

/** Container tokens have no slash. */
function placeOf(container: string, name: string): string {
  return `${container}/${name}`;
}
