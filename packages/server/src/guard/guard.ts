// The one choke point: who asks, may they, is there room left - and the Grant that proves it.
import type {
  CanonicalPath,
  Charge,
  Claims,
  Decision,
  Demand,
  Facts,
  FolderScope,
  OperationName,
  Template,
} from '@latchkey/policy';
import { coversAll, decide, fileSizeBytesMax, looksLikeKey, visibleScopes } from '@latchkey/policy';
import { hashSubject } from '../digest.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import { type Grant, passed, type UploadFacts } from '../grant.ts';
import type { Ports } from '../ports/index.ts';
import type { Lent } from '../ports/lent.ts';
import { type ResumableUpload, sourceOf } from '../ports/resumable.ts';
import { authenticate, type Bearer, type Credential, type IsOpen } from './authenticate.ts';
import { type Allowed, authorize } from './authorize.ts';
import { type FailureBudget, failureBudget } from './failures.ts';
import { type Held, heldSince, reserve, type WhenCountersFail } from './limit.ts';
import { liveRecords } from './live.ts';
import { returnsTo } from './returns.ts';
import { signAddress } from './signature.ts';

/** What http knows of a request before anything of its body is read. */
export interface Asked {
  readonly container: string;
  readonly credential: Credential;
  readonly clientIp: string;
  readonly origin: string | undefined;
  /** The upload that the request means to go on with. */
  readonly uploadId?: string;
  /** Told of every decision about the request as it is made; answers the id by which logs and traces know it. */
  readonly decided?: (decision: Decided) => string;
}

/** A decision as it is written down. */
export interface Decided {
  readonly operations: readonly OperationName[];
  /** `ALLOWED`, or why not. */
  readonly code: 'ALLOWED' | ErrorCode;
  /** The rule or the limit that refused. */
  readonly rule: string | undefined;
  /** Id of the access key, uid of the secret key, or the kind of bearer; undefined while nobody knows who asks. */
  readonly keyId: string | undefined;
  /** Uid of the template whose rules were asked. */
  readonly templateId: string | undefined;
}

/** What is demanded, and what is known of the upload if it is one. */
export interface Demanded {
  readonly demands: readonly Demand[];
  readonly upload?: NonNullable<Facts['upload']>;
}

/** An authenticated request on its way through the guard. */
export interface Entrant {
  readonly asked: Asked;
  readonly bearer: Bearer;
  /** When the bearer was asked for; `admit` asks again when that is long ago. */
  readonly askedAtMs: number;
  readonly startedAtMs: number;
  /** The upload it goes on with; whoever asks may. What that upload reserved serves all its requests. */
  readonly begun?: ResumableUpload;
  /** Why the signature in the address was not taken: it is said of what is not public. */
  readonly refusal?: AppError;
  /** Good only together with this bearer. */
  readonly early?: Early | undefined;
}

/** What was decided about a request before its targets were known. */
interface Early {
  readonly operation: OperationName;
  readonly facts: Facts;
  readonly decision: Allowed;
}

/** How the guard is set up. */
export interface GuardOptions {
  readonly whenCountersFail: WhenCountersFail;
  /** Bad credentials a client address may present in a minute before it must wait. */
  readonly keyFailuresPerMinute: number;
  /** True once the process may wait no longer: what is under way is told SHUTTING_DOWN at its next check. */
  readonly isEnding: () => boolean;
}

export interface Guard {
  /**
   * Says who asks and refuses, before the body is read, what no body could make pass: `operations` are those the route
   * may perform, and one of them must be open to the caller. Raises the policy's codes, REQUEST_RATE_LIMITED after too
   * many bad credentials, CONTAINER_NOT_FOUND, STORE_UNAVAILABLE; UPLOAD_NOT_FOUND when the upload to go on with is not
   * there, has expired, or was begun by somebody else.
   */
  enter(asked: Asked, operations: readonly OperationName[]): Promise<Entrant>;
  /** An entrant without a credential, or with none but a signed address that was refused, for routes whose handler may serve what is
   *  public. It is admitted to nothing. */
  enterPublic(asked: Asked, refusal?: AppError): Promise<Entrant>;
  /** An entrant with rights that somebody lent, for as long as `isOpen` says so; what they give by now is for `admit` to say. Raises
   *  STORE_UNAVAILABLE. */
  enterLent(asked: Asked, lent: Lent, isOpen: IsOpen): Promise<Entrant>;
  /**
   * Asks anew, for as long as a body is on its way, what `enter` has asked: by the live rules one of the operations must be open to
   * what began in time. Raises the policy's codes, STORE_UNAVAILABLE.
   */
  reenter(entrant: Entrant, operations: readonly OperationName[]): Promise<void>;
  /** The folders that the entrant's live rules cover for an operation. */
  scopesOf(entrant: Entrant, kind: 'upload' | 'listing', operation: OperationName): readonly (readonly FolderScope[])[];
  /** Decides on the actual targets and reserves the charges. Raises the policy's and the limits' codes. */
  admit<Op extends OperationName>(
    entrant: Entrant,
    demanded: Demanded & { readonly demands: readonly (Demand & { readonly operation: Op })[] },
  ): Promise<Grant<Op>>;
  /** The signature that lets an address of this file pass without a header, for as long and as far as the entrant's key would;
   *  undefined for callers that may not fetch it. */
  signAddress(entrant: Entrant, file: { readonly id: string; readonly folderPath: CanonicalPath }): string | undefined;
  /** Every rule's outcome without charging anything: the dry run of product definition section 10.1. */
  explain(entrant: Entrant, demanded: Demanded): Decision;
}

/** A reservation outlives the work it is for by this much: what may still commit must still be counted. */
const HOLD_SLACK_MS = 60_000;
/** Requests that are no uploads end, or are given up, within this time. */
const REQUEST_MS_MAX = 60_000;
/** What was found of an entrant is decided upon for so long; a body may take minutes to arrive. */
const ENTRANT_MS_MAX = 500;
/** No upload takes longer, whatever the key allows, so that what a crash leaves reserved comes back within a day. */
const UPLOAD_MS_MAX = 24 * 60 * 60_000;

/** Makes the guard. It keeps no state but the budget of bad credentials, what the bus lets it remember of rules, and what could not be given
 *  back yet. */
export function createGuard(ports: Ports, options: GuardOptions): Guard {
  const failures: FailureBudget = failureBudget(options.keyFailuresPerMinute);
  const { templates, system } = ports;
  const live = liveRecords(ports);
  const returns = returnsTo(ports);
  const ask = (container: string, credential: Credential) =>
    authenticate({ templates, system, live }, container, credential);

  function factsOf(entrant: Entrant, demanded: Demanded, nowMs: number): Facts {
    const { asked, bearer } = entrant;
    const country = ports.geo.country(asked.clientIp);
    const origin = asked.origin ?? bearer.address?.origin;
    return {
      nowMs,
      container: asked.container,
      credential: bearer.credential,
      bearer: bearer.kind,
      clientIp: asked.clientIp,
      demands: demanded.demands,
      // One budget of exchanges per template, whichever of its identifiers is used.
      ...(bearer.kind === 'visitor' && bearer.templateRecord !== undefined
        ? { identifier: bearer.templateRecord.uid }
        : {}),
      ...(country === undefined ? {} : { country }),
      // An <img> does not say on which page it is; the page that was given its address was judged then.
      ...(origin === undefined ? {} : { origin }),
      ...(bearer.access === undefined ? {} : { access: bearer.access }),
      ...(demanded.upload === undefined ? {} : { upload: demanded.upload }),
      // An upload that was begun in time may be finished after its key has expired.
      ...(entrant.begun === undefined ? {} : { startedAtMs: entrant.startedAtMs }),
    };
  }

  /** Runs one look of the guard as a span. What is refused is written down whenever it is, what is allowed when it is admitted. */
  function watched<T>(look: Look, work: (look: Look) => Promise<T>): Promise<T> {
    const { meter, tracer } = ports.system;
    return tracer.span(`guard.${look.phase}`, { 'latchkey.operation': look.operations[0] }, async (span) => {
      const tell = (code: Decided['code'], rule?: string) => {
        meter.count('decisions', { operation: look.operations[0] ?? 'none', code });
        const { bearer } = look;
        const id = look.asked.decided?.({
          operations: look.operations,
          code,
          rule,
          keyId: bearer?.credential === 'verified' ? holderOf(bearer) : bearer?.claims?.keyId,
          templateId: bearer?.templateRecord?.uid,
        });
        span.note({ 'latchkey.code': code, 'latchkey.decision_id': id });
      };
      try {
        const outcome = await work(look);
        if (look.phase === 'admit') tell('ALLOWED');
        return outcome;
      } catch (error) {
        if (error instanceof AppError) tell(error.code, error.facts.rule);
        else tell('INTERNAL');
        throw error;
      }
    });
  }

  function enter(asked: Asked, operations: readonly OperationName[]): Promise<Entrant> {
    return watched({ phase: 'enter', asked, operations }, (look) => entered(look));
  }

  async function entered(look: Look): Promise<Entrant> {
    const { asked, operations } = look;
    const nowMs = ports.system.now();
    const presented = await authenticateWithinBudget(asked, nowMs);
    look.bearer = presented;
    if (presented.address !== undefined && operations.some((operation) => operation !== 'file.download')) {
      throw new AppError('KEY_MISSING', 'a signed address opens one file');
    }
    const begun = asked.uploadId === undefined ? undefined : await findBegun(asked, presented, nowMs);
    const bearer = begun === undefined ? presented : await withBeginner(presented, begun);
    const entrant: Entrant = {
      asked,
      bearer,
      askedAtMs: nowMs,
      startedAtMs: begun?.createdAtMs ?? nowMs,
      ...(begun === undefined ? {} : { begun }),
    };
    const early = refuseEarly(entrant, operations, nowMs);
    if (asked.uploadId !== undefined && begun === undefined) throw new AppError('UPLOAD_NOT_FOUND', 'not theirs');
    // A credential proves its container; only those that carry none need it looked up.
    if (bearer.kind === 'admin' && (await ports.templates.findContainer(asked.container)) === undefined) {
      throw new AppError('CONTAINER_NOT_FOUND');
    }
    return { ...entrant, early };
  }

  /** The upload, if it is there and this bearer's (threat 12). */
  async function findBegun(asked: Asked, bearer: Bearer, nowMs: number): Promise<ResumableUpload | undefined> {
    if (bearer.credential !== 'verified') return undefined;
    const upload = await ports.resumables.findUpload(asked.container, asked.uploadId ?? '');
    return upload !== undefined && nowMs < upload.expiresAtMs && isOwn(upload, bearer) ? upload : undefined;
  }

  /** Another key of the same person goes on only while the key that began it would be good as well. */
  async function withBeginner(bearer: Bearer, begun: ResumableUpload): Promise<Bearer> {
    if (bearer.credential !== 'verified' || holderOf(bearer) === begun.holder) return bearer;
    const { holder, keyIssuedAtMs, subject } = begun;
    const { claims } = bearer;
    if (claims === undefined) return bearer;
    // Who goes on has the same source and subject: only the key is another one.
    const isRevoked = await live.isKeyRevoked(begun.container, {
      keyId: holder,
      subjectHash: subject === undefined ? undefined : hashSubject(subject),
      source: claims.source,
      issuedAtMs: keyIssuedAtMs,
    });
    return isRevoked ? { ...bearer, credential: 'revoked' } : bearer;
  }

  /**
   * Bad credentials use up the budget of their address. The signature of an access key is checked without asking any
   * store, so a good one passes however many bad ones its neighbours send (threat 29); a secret has to be looked up, and
   * waits.
   */
  async function authenticateWithinBudget(asked: Asked, nowMs: number): Promise<Bearer> {
    const { clientIp, credential, container } = asked;
    const waitMs = credential.kind === 'key' ? failures.waitMs(clientIp, nowMs) : 0;
    const wait = () =>
      new AppError('REQUEST_RATE_LIMITED', 'bad credentials', { retryAfterMs: waitMs, rule: 'credential' });
    if (waitMs > 0 && credential.kind === 'key' && !looksLikeKey(credential.text)) throw wait();
    const bearer = await ask(container, credential);
    if (bearer.credential !== 'invalid') return bearer;
    if (waitMs > 0) throw wait();
    failures.charge(clientIp, nowMs);
    return bearer;
  }

  /** The entrant by the rules of now. Its body may have taken its time since it came in. */
  async function renewed(entrant: Entrant): Promise<Entrant> {
    const { asked, begun } = entrant;
    const askedAtMs = system.now();
    const presented = await ask(asked.container, asked.credential);
    return {
      ...entrant,
      early: undefined,
      askedAtMs,
      bearer: begun === undefined ? presented : await withBeginner(presented, begun),
    };
  }

  /** Refuses when none of the operations is open to the caller whatever the targets are. */
  function refuseEarly(
    entrant: Entrant,
    operations: readonly OperationName[],
    nowMs: number,
    begun: Pick<Facts, 'startedAtMs'> = {},
  ): Early {
    let first: unknown;
    for (const operation of operations) {
      try {
        const facts = factsOf(entrant, { demands: [{ operation, targets: [] }] }, nowMs);
        const told = { ...facts, ...begun };
        return { operation, facts: told, decision: authorize(entrant.bearer, told) };
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  async function admit<Op extends OperationName>(
    came: Entrant,
    demanded: Demanded & { readonly demands: readonly (Demand & { readonly operation: Op })[] },
  ): Promise<Grant<Op>> {
    const entrant = system.now() - came.askedAtMs < ENTRANT_MS_MAX ? came : await renewed(came);
    const operations = demanded.demands.map(({ operation }) => operation);
    return watched({ phase: 'admit', asked: entrant.asked, operations, bearer: entrant.bearer }, () =>
      admitted<Op>(entrant, demanded),
    );
  }

  async function admitted<Op extends OperationName>(
    entrant: Entrant,
    demanded: Demanded & { readonly demands: readonly (Demand & { readonly operation: Op })[] },
  ): Promise<Grant<Op>> {
    const nowMs = ports.system.now();
    const early = isSameQuestion(entrant.early, demanded, nowMs) ? entrant.early : undefined;
    const facts = early?.facts ?? factsOf(entrant, demanded, nowMs);
    const decision = early?.decision ?? authorize(entrant.bearer, facts);
    const holdMs = workMs(entrant, facts) + HOLD_SLACK_MS;
    const held =
      entrant.begun === undefined
        ? await reserve(ports, returns, decision.charges, holdMs, options.whenCountersFail)
        : heldSince(ports, entrant.begun.reservationId);
    const bytesCharges = decision.charges.filter(({ unit }) => unit === 'bytes');
    return makeGrant<Op>(entrant, demanded, facts, held, bytesCharges);
  }

  /** How long the work may last: as long as the rules of expiry may still let it commit. */
  function workMs({ bearer: { template, claims } }: Entrant, facts: Facts): number {
    if (facts.upload === undefined) return REQUEST_MS_MAX;
    if (template === undefined || claims === undefined) return UPLOAD_MS_MAX;
    return Math.min(UPLOAD_MS_MAX, Math.max(finishMs(template, claims), claims.expiresAtMs - facts.nowMs));
  }

  /** The time to finish of the product definition, section 3; ad-hoc keys have no template to say it. */
  function finishMs(template: Template, claims: Claims): number {
    return claims.source.kind === 'template'
      ? template.document.key_validity.finish_duration * 1000
      : claims.expiresAtMs - (claims.startsAtMs ?? claims.issuedAtMs);
  }

  function makeGrant<Op extends OperationName>(
    entrant: Entrant,
    demanded: Demanded,
    facts: Facts,
    held: Held,
    bytesCharges: readonly Charge[],
  ): Grant<Op> {
    const { asked, bearer } = entrant;
    const { template, claims } = bearer;
    const fileMax =
      template === undefined || claims === undefined ? Number.MAX_SAFE_INTEGER : fileSizeBytesMax(template, claims);
    const bound = bytesBound(fileMax, bytesCharges, held);
    let kept = false;
    let settled = false;
    let handedOver = false;
    const operations = demanded.demands.map(({ operation }) => operation);
    const layers = (kind: 'upload' | 'listing') =>
      template === undefined || claims === undefined
        ? []
        : visibleScopes(template, claims, kind, bearer.access && { rules: bearer.access, operations });
    return {
      // The only place that marks a grant; the type parameter is what `demanded` was checked for.
      [passed]: undefined as unknown as Op,
      container: asked.container,
      bearer: bearer.kind,
      holder: holderOf(bearer),
      template,
      claims,
      access: bearer.access,
      facts,
      layers,
      within: (kind: 'upload' | 'listing', path: CanonicalPath) => coversAll(layers(kind), path),
      uploadBytesMax: bound.bytes,
      uploadBytesRule: bound.rule,
      uploadBytesCode: bound.code,
      recheck: (upload) => again(entrant, demanded, () => recheck(entrant, demanded, facts, upload)),
      recheckRights: () =>
        again(entrant, demanded, async () => {
          const live = await renewed(entrant);
          authorize(live.bearer, factsOf(live, demanded, facts.nowMs));
        }),
      settle: async (used) => {
        // Once is enough: asking again after the work is done could only turn it into a failure.
        if (settled || handedOver) return;
        // Only the end of a resumable upload settles; a part of it says nothing of what was used.
        if (entrant.begun !== undefined && used === undefined) return;
        await held.settle(used === undefined ? [] : bytesCharges.map(({ counter }) => ({ counter, cost: used.bytes })));
        settled = true;
      },
      handOver: () => {
        handedOver = true;
        const ms = template === undefined || claims === undefined ? UPLOAD_MS_MAX : finishMs(template, claims);
        return { reservationId: held.id, finishByMs: facts.nowMs + Math.min(UPLOAD_MS_MAX, ms) };
      },
      keep: () => {
        kept = true;
      },
      release: async () => {
        if (!kept && !handedOver) await held.release();
      },
    };
  }

  /** A later look at what was admitted, until the process ends. */
  function again(entrant: Entrant, demanded: Demanded, look: () => Promise<void>): Promise<void> {
    const operations = demanded.demands.map(({ operation }) => operation);
    return watched({ phase: 'recheck', asked: entrant.asked, operations, bearer: entrant.bearer }, async () => {
      if (options.isEnding()) throw new AppError('SHUTTING_DOWN', 'under way at the end');
      await look();
    });
  }

  /** The same question asked anew: the live rules, the time now, and an upload that began when the request did. */
  async function recheck(
    entrant: Entrant,
    demanded: Demanded,
    admitted: Facts,
    upload: UploadFacts | undefined,
  ): Promise<void> {
    const nowMs = ports.system.now();
    const { begun } = entrant;
    const live = await renewed(entrant);
    const known = demanded.upload ?? { files: 1 };
    authorize(live.bearer, {
      ...factsOf(live, demanded, nowMs),
      startedAtMs: entrant.startedAtMs,
      ...(demanded.upload === undefined && upload === undefined
        ? {}
        : {
            upload: {
              ...known,
              ...(upload?.mediaType === undefined ? {} : { mediaType: upload.mediaType }),
              ...(upload?.extension === undefined ? {} : { extension: upload.extension }),
              ...(upload?.sizeBytes === undefined ? {} : { bytes: upload.sizeBytes }),
            },
          }),
    });
    // The key would allow more time than the reservation has.
    const endMs = begun?.expiresAtMs ?? admitted.nowMs + workMs(entrant, admitted) + 1;
    if (nowMs >= endMs) throw new AppError('UPLOAD_TIMEOUT', 'outlived its hold');
  }

  function sign(
    entrant: Entrant,
    file: { readonly id: string; readonly folderPath: CanonicalPath },
  ): string | undefined {
    const { asked, bearer } = entrant;
    if (bearer.claims === undefined || bearer.credential !== 'verified' || bearer.address !== undefined)
      return undefined;
    const nowMs = ports.system.now();
    const demands = [{ operation: 'file.download' as const, targets: [file.folderPath] }];
    if (!decide(bearer.template, bearer.claims, factsOf(entrant, { demands }, nowMs)).allow) return undefined;
    return signAddress(ports.system.keyring, bearer.claims, file.id, asked.origin, nowMs);
  }

  async function enterPublic(asked: Asked, refusal?: AppError): Promise<Entrant> {
    const nowMs = system.now();
    const bearer = await ask(asked.container, { kind: 'none' });
    const entrant = { asked, bearer, askedAtMs: nowMs, startedAtMs: nowMs };
    return refusal === undefined ? entrant : { ...entrant, refusal };
  }

  async function enterLent(asked: Asked, lent: Lent, isOpen: IsOpen): Promise<Entrant> {
    const nowMs = system.now();
    const credential: Credential = { kind: 'lent', lent, isOpen };
    const bearer = await ask(asked.container, credential);
    return { asked: { ...asked, credential }, bearer, askedAtMs: nowMs, startedAtMs: nowMs };
  }

  function scopesOf(
    { bearer: { template, claims, access } }: Entrant,
    kind: 'upload' | 'listing',
    operation: OperationName,
  ) {
    if (template === undefined && claims === undefined) return [];
    return visibleScopes(template, claims, kind, access && { rules: access, operations: [operation] });
  }

  return {
    enter,
    enterPublic,
    signAddress: sign,
    enterLent,
    reenter: async (entrant, operations) => {
      const live = await renewed(entrant);
      refuseEarly(live, operations, system.now(), { startedAtMs: entrant.startedAtMs });
    },
    scopesOf,
    admit,
    explain: (entrant, demanded) =>
      decide(entrant.bearer.template, entrant.bearer.claims, factsOf(entrant, demanded, ports.system.now())),
  };
}

/** One look of the guard at a request. */
interface Look {
  readonly phase: 'enter' | 'admit' | 'recheck';
  readonly asked: Asked;
  readonly operations: readonly OperationName[];
  /** Known as soon as it is. */
  bearer?: Bearer;
}

/** The most bytes an upload may store: what the size limit allows, or the least that a quota of bytes still holds. */
function bytesBound(
  fileMax: number,
  charges: readonly Charge[],
  held: Held,
): { readonly bytes: number; readonly rule: string; readonly code: Grant['uploadBytesCode'] } {
  const bounds = charges.flatMap(({ counter, rule, code }) => {
    const bytes = held.amount(counter);
    return bytes === undefined ? [] : [{ bytes, rule, code }];
  });
  return bounds.reduce<ReturnType<typeof bytesBound>>((least, bound) => (bound.bytes < least.bytes ? bound : least), {
    bytes: fileMax,
    rule: 'upload.max_file_size',
    code: 'PAYLOAD_TOO_LARGE',
  });
}

/** Whether it is asked again what was decided in this millisecond, of an operation without targets: equal questions have equal answers. */
function isSameQuestion(early: Early | undefined, { demands, upload }: Demanded, nowMs: number): boolean {
  const [demand, ...others] = demands;
  if (early === undefined || demand === undefined || others.length > 0 || upload !== undefined) return false;
  const { operation, targets, tree } = demand;
  return early.facts.nowMs === nowMs && early.operation === operation && targets.length === 0 && tree !== true;
}

/** Who is recorded as the author of a change. */
function holderOf({ kind, claims }: Bearer): string {
  return claims?.keyId ?? kind;
}

/**
 * Whether the bearer may go on with the upload: with the key that began it, or with another key of the same rights whose
 * subject the back end vouched for. Keys without a subject tell no person from another, so each is bound to itself.
 */
function isOwn(upload: ResumableUpload, bearer: Bearer): boolean {
  if (holderOf(bearer) === upload.holder) return true;
  const { kind, claims } = bearer;
  if (kind !== 'key' || claims?.subject === undefined) return false;
  return upload.subject === claims.subject && upload.source === sourceOf(claims);
}
