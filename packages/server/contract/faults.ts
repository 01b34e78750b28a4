// Ports that misbehave on purpose: what the service does when a store is slow, dead, forgetful or repeats itself.

/**
 * What goes wrong with one call: `fail` - it is not made and the caller gets the error; `lose` - it is made, but the caller
 * gets the error instead of the answer; `duplicate` - it is made twice, and the caller gets the second answer; `delayMs` - it
 * is made after a pause.
 */
export type Fault = 'fail' | 'lose' | 'duplicate' | { readonly delayMs: number };

/** Decides about each call: by its method and its number, counted from 1 over all methods. */
export type FaultPlan = (method: string, call: number) => Fault | undefined;

/** The port with the planned faults. Everything that is not planned goes through untouched; `error` makes what is thrown. */
export function withFaults<T extends object>(port: T, plan: FaultPlan, error: () => Error): T {
  let calls = 0;
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return async (...input: readonly unknown[]): Promise<unknown> => {
        calls += 1;
        const fault = plan(name, calls);
        const make = (): unknown => Reflect.apply(member, target, input);
        if (fault === 'fail') throw error();
        if (fault === 'duplicate') await make();
        if (typeof fault === 'object') await new Promise((resume) => setTimeout(resume, fault.delayMs));
        const answer: unknown = await make();
        if (fault === 'lose') throw error();
        return answer;
      };
    },
  });
}
