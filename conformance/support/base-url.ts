// Hands BASE_URL on to the tests: the test runner gives each of its workers a variable of this name for a purpose of its own.
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The deployment to test; empty when the suite starts its own. */
    readonly baseUrl: string;
  }
}

/** Called once by the runner, in the process that has the environment of the shell. */
export default function provideBaseUrl(project: TestProject): void {
  project.provide('baseUrl', (process.env['BASE_URL'] ?? '').replace(/\/+$/, ''));
}
