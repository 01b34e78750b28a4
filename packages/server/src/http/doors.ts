// What all doors for outsiders have in common over HTTP: what their makers say of them, and how visitors come in.
import type { Demand } from '@latchkey/policy';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Entrant } from '../guard/guard.ts';
import {
  DOOR,
  type DoorKind,
  type DoorWish,
  doorState,
  findDoor,
  isStillOpen,
  openDoor,
  PROOF_TTL_MS,
  passDoor,
} from '../operations/doors.ts';
import type { DoorDocument, DoorRecord } from '../ports/doors.ts';
import type { Lent } from '../ports/lent.ts';
import { arrivingWithin } from './json.ts';
import { html, type Markup, moment, type Page, sendPage } from './page.ts';
import type { Call } from './route.ts';
import { isoTime } from './wire.ts';

const time = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date(), z.literal('')]).nullish();
const zone = z.string().max(64).nullish();

/** Members that every door's body may have. */
export const doorFields = {
  title: z.string().max(DOOR.titleMax).optional(),
  starts_at: time,
  expires_at: time,
  starts_at_tz: zone,
  expires_at_tz: zone,
  // So the widget calls them.
  starts_tz: zone,
  expires_tz: zone,
  auth: z.object({ pass: z.string().max(DOOR.passwordMax).nullish() }).nullish(),
};

const doorBody = z.object(doorFields);

/** What a body says of a door. Raises REQUEST_INVALID for times that cannot be read. */
export function doorWishOf(body: z.infer<typeof doorBody>): DoorWish {
  const { title, auth } = body;
  const pass = auth === null ? null : auth?.pass;
  const startsZone = body.starts_at_tz ?? body.starts_tz;
  const expiresZone = body.expires_at_tz ?? body.expires_tz;
  return {
    ...(title === undefined ? {} : { title }),
    ...(body.starts_at === undefined ? {} : { startsAtMs: msOf(body.starts_at, 'starts_at', startsZone) }),
    ...(body.expires_at === undefined ? {} : { expiresAtMs: msOf(body.expires_at, 'expires_at', expiresZone) }),
    ...(startsZone === undefined ? {} : { startsAtZone: startsZone }),
    ...(expiresZone === undefined ? {} : { expiresAtZone: expiresZone }),
    ...(pass === undefined ? {} : { password: pass === '' ? null : pass }),
  };
}

/** A time without an offset is what clocks show in the zone; without a zone, in UTC. */
function msOf(text: string | null, field: string, zoneName: string | null | undefined): number | null {
  if (text === null || text === '') return null;
  const hasOffset = /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const ms = Date.parse(hasOffset || !text.includes('T') ? text : `${text}Z`);
  if (Number.isNaN(ms)) throw timeFault(field, 'TIME_INVALID', 'This is no time.');
  if (hasOffset || zoneName === undefined || zoneName === null || zoneName === '') return ms;
  try {
    // The second look counts where clocks are changed between the two.
    return ms - aheadMs(zoneName, ms - aheadMs(zoneName, ms));
  } catch (error) {
    if (error instanceof RangeError) throw timeFault(field, 'ZONE_UNKNOWN', 'The time zone of this time is unknown.');
    throw error;
  }
}

/** How far the clocks of a zone are ahead of UTC at a moment. Throws a RangeError for an unknown zone. */
function aheadMs(zoneName: string, atMs: number): number {
  const style = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zoneName,
    hourCycle: 'h23',
    ...style,
    second: 'numeric',
  });
  const parts = new Map(clock.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const shown = [part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')] as const;
  return Date.UTC(...shown) - Math.floor(atMs / 1000) * 1000;
}

function timeFault(field: string, code: string, message: string): AppError {
  return new AppError('REQUEST_INVALID', field, { faults: [{ field, code, message }] });
}

/** What everybody at the door may know. */
export function publicDoor({ puid, document }: DoorRecord): object {
  const { title, startsAtMs, expiresAtMs, startsAtZone, expiresAtZone } = document;
  return {
    puid,
    title,
    starts_at: startsAtMs === null ? null : isoTime(startsAtMs),
    expires_at: expiresAtMs === null ? null : isoTime(expiresAtMs),
    starts_at_tz: startsAtZone,
    expires_at_tz: expiresAtZone,
  };
}

/** Somebody who was let in. */
export interface DoorVisit<Document extends DoorDocument> {
  readonly door: DoorRecord<Document>;
  /** With the rights that the door lends. */
  readonly entrant: Entrant;
  /** Shows on later addresses that the password was given. */
  readonly proof: string | undefined;
}

/** A request at a door. */
export type DoorCall = Pick<Call, 'ports' | 'guard' | 'container' | 'entrant' | 'params' | 'query' | 'request'>;

/** A kind of doors, and what there is to do behind one: without the right to that, it is not there. */
export interface Entrance<Document extends DoorDocument> {
  readonly kind: DoorKind<Document>;
  lentOf(door: DoorRecord<Document>): Promise<{ readonly lent: Lent; readonly demand: Demand } | undefined>;
}

/**
 * Lets a visitor in: the door must be open, its password known, and the rights behind it still good; what is no longer there
 * for any of these reasons but the password is not found.
 */
export async function visitDoor<Document extends DoorDocument>(
  call: DoorCall,
  entrance: Entrance<Document>,
  puid: string,
  password: string | undefined,
): Promise<DoorVisit<Document>> {
  const { door, entrant } = await enterDoor(call, entrance, puid);
  const proof = await passDoor(call.ports, entrance.kind, door, {
    password,
    proof: call.query.one('access', 'hash') ?? call.request.cookies[DOOR_COOKIE],
    clientIp: call.entrant.asked.clientIp,
  });
  return { door, entrant, proof };
}

/** The same without asking for a password, for those who have shown it in another way. */
export async function enterDoor<Document extends DoorDocument>(
  call: DoorCall,
  entrance: Entrance<Document>,
  puid: string,
): Promise<Omit<DoorVisit<Document>, 'proof'>> {
  const door = await openDoor(call.ports, entrance.kind, call.container, puid);
  const isOpen = () => isStillOpen(call.ports, entrance.kind, door);
  return { door, entrant: await lentEntrant(call, entrance, door, isOpen) };
}

async function lentEntrant<Document extends DoorDocument>(
  call: DoorCall,
  { kind, lentOf }: Entrance<Document>,
  door: DoorRecord<Document>,
  isOpen: () => Promise<boolean>,
): Promise<Entrant> {
  const wanted = await lentOf(door);
  if (wanted === undefined) throw new AppError(kind.notFound, 'nothing is behind it any more');
  const entrant = await call.guard.enterLent(call.entrant.asked, wanted.lent, isOpen);
  // What the rights no longer give is not there.
  if (!call.guard.explain(entrant, { demands: [wanted.demand] }).allow) {
    throw new AppError(kind.notFound, 'rights are gone');
  }
  return entrant;
}

/** Holds the proof of a password, sent back to the addresses of its door only. */
const DOOR_COOKIE = 'latchkey_door';

/** The path of a door's page, as browsers see it. */
export function doorPath(call: Pick<Call, 'baseUrl' | 'container'>, segment: string, puid: string): string {
  return `${new URL(call.baseUrl).pathname.replace(/\/$/, '')}/${call.container}/${segment}/${puid}`;
}

/** What a page's form sent. Raises REQUEST_INVALID, also for a form that is longer than any of ours. */
async function formOf({ request, settings }: Pick<Call, 'request' | 'settings'>): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of arrivingWithin(request.raw, settings.jsonMsMax) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > FORM_BYTES_MAX) throw new AppError('REQUEST_INVALID', 'form too long');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

const FORM_BYTES_MAX = 16 * 1024;

/**
 * Takes a password from a page's form and leads back to the page, with a cookie where it was right. Raises what the door raises; a
 * wrong password is shown in the form.
 */
export async function takePassword<Document extends DoorDocument>(
  call: Call,
  entrance: Entrance<Document>,
  path: string,
): Promise<undefined> {
  const password = (await formOf(call)).get('password') ?? undefined;
  try {
    const { proof } = await visitDoor(call, entrance, call.params['id'] ?? '', password);
    if (proof !== undefined) {
      call.reply.setCookie(DOOR_COOKIE, proof, {
        path,
        httpOnly: true,
        sameSite: 'lax',
        secure: call.baseUrl.startsWith('https:'),
        maxAge: PROOF_TTL_MS / 1000,
      });
    }
  } catch (error) {
    if (!isCode(error, entrance.kind.passwordNeeded)) throw error;
    await sendPage(call.reply, 401, passwordPage(path, 'That is not the password.'));
    return undefined;
  }
  await call.reply.header('cache-control', 'no-store').redirect(path, 303);
  return undefined;
}

/**
 * The page of a door, or what stands in its place: the form for the password, and the date of one that is not open yet or no more. Only
 * whoever has the address learns that date, and only while the rights behind the door are good.
 */
export async function showDoor<Document extends DoorDocument>(
  call: Call,
  entrance: Entrance<Document>,
  path: string,
  show: (visit: DoorVisit<Document>) => Promise<Page>,
): Promise<undefined> {
  await placeOf(call, entrance, path, show).then(({ status, page }) => sendPage(call.reply, status, page));
  return undefined;
}

async function placeOf<Document extends DoorDocument>(
  call: Call,
  entrance: Entrance<Document>,
  path: string,
  show: (visit: DoorVisit<Document>) => Promise<Page>,
): Promise<{ readonly status: number; readonly page: Page }> {
  const puid = call.params['id'] ?? '';
  try {
    return { status: 200, page: await show(await visitDoor(call, entrance, puid, undefined)) };
  } catch (error) {
    if (isCode(error, entrance.kind.passwordNeeded)) return { status: 401, page: passwordPage(path) };
    if (!isCode(error, entrance.kind.notFound)) throw error;
    const door = await findDoor(entrance.kind, call.container, puid);
    const state = doorState(door, call.ports.system.now());
    if (state === 'open') throw error;
    // It is not open, so only the rights behind it are left to ask for.
    await lentEntrant(call, entrance, door, async () => true);
    return { status: 404, page: closedPage(door, state) };
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof AppError && error.code === code;
}

function passwordPage(path: string, complaint?: string): Page {
  const told = complaint === undefined ? undefined : html`<p class="bad" role="alert" id="told">${complaint}</p>`;
  const says = told === undefined ? undefined : html` aria-invalid="true" aria-describedby="told"`;
  return {
    title: 'Password needed',
    body: html`<div class="page small"><main>
<h1>Password needed</h1>
<p>Whoever gave you this address can tell you the password.</p>
<form class="sheet" method="post" action="${path}">
${told}
<label for="password">Password</label>
<input id="password" name="password" type="password" required maxlength="${DOOR.passwordMax}" autocomplete="off"${says}>
<button type="submit">Open</button>
</form>
</main></div>`,
  };
}

function closedPage({ document }: DoorRecord, state: 'early' | 'over'): Page {
  const { startsAtMs, startsAtZone, expiresAtMs, expiresAtZone } = document;
  const at = state === 'early' ? startsAtMs : expiresAtMs;
  const when: Markup | undefined =
    at === null ? undefined : moment(at, state === 'early' ? startsAtZone : expiresAtZone);
  const title = state === 'early' ? 'Not open yet' : 'This is over';
  const said = state === 'early' ? html`This address opens on ${when}.` : html`This address was open until ${when}.`;
  return { title, body: html`<div class="page small"><main><h1>${title}</h1><p>${said}</p></main></div>` };
}
