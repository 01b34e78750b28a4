// The form of every contract suite: guarantees as data, so that any test runner can run them against any adapter.

/**
 * One guarantee of a port. `open` gives the adapter under test, empty at its first call in a case; further calls in the same case
 * open the same store again, as another node would. Whoever runs the case closes what was opened. A broken guarantee rejects.
 */
export interface ContractCase<T> {
  /** The guarantee in words. */
  readonly name: string;
  run(open: () => Promise<T>): Promise<void>;
}
