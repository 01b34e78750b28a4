// How often and from which seed the property tests run: 10^4 cases by default, more when asked for, always repeatable.
import fc from 'fast-check';
import { vi } from 'vitest';

const RUNS = Number(process.env['LATCHKEY_PROPERTY_RUNS'] ?? 10_000);
const SEED = Number(process.env['LATCHKEY_PROPERTY_SEED'] ?? Date.now() % 0x7fffffff);

/** Sets runs and seed for all properties of a file and prints them, so that any run can be repeated. */
export function configureProperties(file: string): void {
  fc.configureGlobal({ numRuns: RUNS, seed: SEED });
  // A long run is asked for on purpose: it may take its time, even on a busy machine.
  vi.setConfig({ testTimeout: Math.max(120_000, RUNS * 5) });
  console.log(`${file}: LATCHKEY_PROPERTY_RUNS=${RUNS} LATCHKEY_PROPERTY_SEED=${SEED}`);
}

/** For properties beside the main ones: a tenth of the runs, so that the whole suite stays quick. */
export const FEWER = { numRuns: Math.ceil(RUNS / 10) };

/** The share of the runs that must have met the interesting case; a property that never does proves nothing. */
export function expectMet(met: number, percent: number): void {
  const least = Math.floor((RUNS * percent) / 100);
  if (met < least) throw new Error(`Only ${met} of ${RUNS} runs met the case, at least ${least} should.`);
}
