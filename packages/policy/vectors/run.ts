// Runs the published vectors against this package, in any runtime that has JavaScript: Node, a browser page, a worker.
import {
  type Charge,
  type Claims,
  type Decision,
  decide,
  decodeKey,
  type Demand,
  encodeKey,
  type Facts,
  type Mac,
  type Narrowing,
  parseNarrowing,
  parsePath,
  parseSecretKeyRights,
  parseTemplate,
  type Template,
} from '@latchkey/policy';
import access from './access.json' with { type: 'json' };
import address from './address.json' with { type: 'json' };
import base from './base.json' with { type: 'json' };
import country from './country.json' with { type: 'json' };
import credential from './credential.json' with { type: 'json' };
import expiry from './expiry.json' with { type: 'json' };
import keys from './keys.json' with { type: 'json' };
import limits from './limits.json' with { type: 'json' };
import narrowing from './narrowing.json' with { type: 'json' };
import origin from './origin.json' with { type: 'json' };
import paths from './paths.json' with { type: 'json' };
import permission from './permission.json' with { type: 'json' };
import scope from './scope.json' with { type: 'json' };
import template from './template.json' with { type: 'json' };
import transfer from './transfer.json' with { type: 'json' };
import typeAndSize from './type-and-size.json' with { type: 'json' };

/** One decision vector as published: merge patches on `base.json`, and what has to come out. */
export interface DecisionVector {
  readonly name: string;
  readonly template?: unknown;
  readonly claims?: unknown;
  readonly facts?: unknown;
  readonly expect: Expected;
}

/** What a vector expects: exactly these charges, or this refusal with at least the members given. */
export type Expected =
  | { readonly allow: true; readonly charges: readonly Charge[] }
  | { readonly allow: false; readonly code: string; readonly rule: string; readonly [member: string]: unknown };

/** The decision vectors by file, without the ending. */
export const DECISION_VECTORS: Readonly<Record<string, readonly DecisionVector[]>> = {
  // JSON gives `allow` as boolean; the cast says what the format says, and every vector is compared with a real decision anyway.
  ...(Object.fromEntries(
    Object.entries({
      credential,
      template,
      expiry,
      origin,
      address,
      country,
      permission,
      scope,
      access,
      transfer,
      'type-and-size': typeAndSize,
      limits,
      narrowing,
    }).map(([file, { vectors }]) => [file, vectors]),
  ) as Record<string, readonly DecisionVector[]>),
};

/** How many vectors passed, and a line for each that did not. */
export interface VectorReport {
  readonly passed: number;
  readonly failed: readonly string[];
}

/** Runs every vector. Tags of keys are checked when the runtime's HMAC-SHA-256 is given; everything else needs nothing. */
export function runVectors(mac?: Mac): VectorReport {
  let passed = 0;
  const failed: string[] = [];
  const check = (name: string, difference: string | undefined) => {
    if (difference === undefined) passed += 1;
    else failed.push(`${name}: ${difference}`);
  };
  for (const [file, vectors] of Object.entries(DECISION_VECTORS)) {
    for (const vector of vectors) check(`${file}: ${vector.name}`, differenceOf(vector));
  }
  for (const { text, canonical, why } of paths.vectors) {
    const parsed = parsePath(text);
    check(`paths: ${why}`, compare(parsed.ok ? parsed.path : null, canonical));
  }
  if (mac !== undefined) for (const [name, difference] of keyDifferences(mac)) check(`keys: ${name}`, difference);
  return { passed, failed };
}

/** The decision of one vector. Throws when the vector itself is not well made. */
export function decideVector(vector: DecisionVector): Decision {
  const [template, claims, facts] = inputsOf(vector);
  return decide(template, claims, facts);
}

function differenceOf(vector: DecisionVector): string | undefined {
  const decision = decideVector(vector);
  const { expect } = vector;
  if (decision.allow) return compare({ allow: true, charges: decision.charges }, expect);
  const named = Object.fromEntries(Object.entries(decision).filter(([member]) => member in expect));
  return compare(named, expect);
}

function inputsOf(vector: DecisionVector): [Template | undefined, Claims | undefined, Facts] {
  const claims = 'claims' in vector ? merge(base.claims, vector.claims) : base.claims;
  const document = 'template' in vector ? merge(base.template, vector.template) : base.template;
  const facts = 'facts' in vector ? merge(base.facts, vector.facts) : base.facts;
  // The casts give published JSON the types its format promises; what does not hold them fails the vector.
  const read = claims === null ? undefined : readClaims(claims as Claims & { narrowings: readonly unknown[] });
  const parse = read?.source.kind === 'secret' ? parseSecretKeyRights : parseTemplate;
  return [document === null ? undefined : must(parse(document)), read, readFacts(facts as Facts)];
}

function readClaims(claims: Claims & { narrowings: readonly unknown[] }): Claims {
  return { ...claims, narrowings: claims.narrowings.map((document): Narrowing => must(parseNarrowing(document))) };
}

function readFacts(facts: Facts): Facts {
  const paths = (texts: readonly string[]) =>
    texts.map((text) => {
      const parsed = parsePath(text);
      if (!parsed.ok) throw new Error(`The target ${text} of a vector is no path: ${parsed.reason}`);
      return parsed.path;
    });
  const demands = facts.demands.map(
    ({ contents, ...demand }): Demand => ({
      ...demand,
      targets: paths(demand.targets),
      ...(contents === undefined ? {} : { contents: paths(contents) }),
    }),
  );
  return { ...facts, demands };
}

function must<T>(parsed: { ok: true; value: T } | { ok: false; faults: readonly unknown[] }): T {
  if (!parsed.ok) throw new Error(`A document of a vector does not parse: ${JSON.stringify(parsed.faults)}`);
  return parsed.value;
}

function* keyDifferences(mac: Mac): Generator<[string, string | undefined]> {
  const secret = Uint8Array.from(keys.secretHex.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, index) => byte === b[index]);
  for (const { name, claims, key } of keys.valid) {
    const written = readClaims(claims as unknown as Claims);
    yield [`${name}, written`, compare(encodeKey(written, secret, mac), key)];
    const decoded = decodeKey(key);
    const plain = decoded.ok && {
      ...decoded.claims,
      narrowings: decoded.claims.narrowings.map(({ document }) => document),
    };
    yield [`${name}, read`, compare(plain, claims)];
    yield [`${name}, verified`, compare(decoded.ok && decoded.verify(secret, mac, equal), true)];
  }
  for (const { name, key } of keys.invalid) {
    const decoded = decodeKey(key);
    yield [name, compare(decoded.ok && decoded.verify(secret, mac, equal), false)];
  }
}

/** JSON merge patch, RFC 7396. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compare(actual: unknown, expected: unknown): string | undefined {
  const [left, right] = [sorted(actual), sorted(expected)];
  return left === right ? undefined : `expected ${right}, got ${left}`;
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}
