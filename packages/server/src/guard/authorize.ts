// Asks the policy and turns its refusal into the error a caller sees.
import type { Decision, Facts } from '@latchkey/policy';
import { decide, OPERATIONS } from '@latchkey/policy';
import { AppError, type ErrorCode } from '../errors.ts';
import type { Bearer } from './authenticate.ts';

export type Allowed = Extract<Decision, { readonly allow: true }>;

/** The policy's decision when it allows; otherwise raises its code with what the caller may know. */
export function authorize(bearer: Bearer, facts: Facts): Allowed {
  const decision = decide(bearer.template, bearer.claims, facts);
  if (decision.allow) return decision;
  throw refusal(bearer, facts, decision);
}

function refusal(bearer: Bearer, facts: Facts, decision: Extract<Decision, { readonly allow: false }>): AppError {
  const code: ErrorCode = decision.code === 'KEY_INVALID' && bearer.secretForm ? 'UNAUTHORIZED' : decision.code;
  const hint = decision.code === 'MEDIA_TYPE_REFUSED' ? acceptedTypes(bearer) : hintFor(decision, facts);
  return new AppError(code, `rule ${decision.rule}`, {
    rule: decision.rule,
    trace: decision.trace,
    ...(hint === undefined ? {} : { hint }),
    ...(decision.limit === undefined ? {} : { limit: decision.limit }),
    ...(decision.actual === undefined ? {} : { actual: decision.actual }),
  });
}

/** The lists of the template and of each narrowing; a file must be of a type in every one. */
function acceptedTypes({ template, claims }: Bearer): string {
  const documents = [template?.document, ...(claims?.narrowings.map((narrowing) => narrowing.document) ?? [])];
  const lists = documents.flatMap((document) => document?.upload?.allowed_types?.join(', ') ?? []);
  return `Send one of the accepted types: ${lists.join('; and of these ')}.`;
}

function hintFor(decision: Extract<Decision, { readonly allow: false }>, facts: Facts): string | undefined {
  if (decision.code !== 'PERMISSION_DENIED') return undefined;
  const bearers = facts.demands.map((demand) => OPERATIONS[demand.operation].bearers as readonly string[]);
  if (bearers.some((allowed) => !allowed.includes(facts.bearer))) {
    return 'This needs an admin session or a secret key.';
  }
  if (decision.missing === undefined || decision.missing.length === 0) return undefined;
  return `Add ${decision.missing.join(' or ')} to the security template or use another key.`;
}
