// The public surface of the browser library.
export * from './admin.ts';
export * from './client.ts';
export type { ErrorCode } from './codes.ts';
export * from './errors.ts';
export { createKeySource, fixedKey, type KeySource, type KeySourceOptions } from './keys.ts';
export { type Fetch, type Query, type RequestOptions, TIMEOUT_MS } from './request.ts';
export * from './uploads.ts';
export * from './wire.ts';
