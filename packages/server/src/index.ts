// The package's door for embedding: compose a service from a configuration without starting a process.
export { compose, type Service } from './compose.ts';
export { type Config, loadConfig, SETTINGS, type Setting } from './config.ts';
export { AppError, ERRORS, type ErrorCode, type ErrorRow } from './errors.ts';
export type * from './ports/index.ts';
