// Ports whose every call is a span of the trace it belongs to.
import type { Tracer } from '../../ports/tracer.ts';

/** A port without synchronous methods. */
type Asynchronous<T> = { readonly [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? T[K] : never };

/** The same port: every call is a span `<name>.<method>`, the end of the port excepted. What is asked is not recorded. */
export function traced<T extends Asynchronous<T>>(name: string, port: T, tracer: Tracer): T {
  if (!tracer.on) return port;
  return new Proxy(port, {
    get(target, member) {
      const method: unknown = Reflect.get(target, member, target);
      if (typeof method !== 'function' || typeof member !== 'string') return method;
      if (member === 'close') return method.bind(target);
      return (...args: readonly unknown[]) =>
        tracer.span(`${name}.${member}`, {}, () => Reflect.apply(method, target, args) as Promise<unknown>);
    },
  });
}
