// The public surface of the policy package: re-exports and nothing else.
export * from './claims.ts';
export * from './decide.ts';
export type { Fault, FaultCode, Parsed, Warning, WarningCode } from './fields.ts';
export * from './key.ts';
export * from './network.ts';
export * from './origin.ts';
export * from './path.ts';
export * from './permission.ts';
export * from './quota.ts';
export * from './role.ts';
export type { RestrictingDocument, RestrictionsDocument, Rules } from './rules.ts';
export * from './scope.ts';
export * from './template.ts';
export * from './window.ts';
