// Spans of work for whoever collects traces. Off unless the operator names a collector.

/** What an operator says about traces. */
export interface TracesOptions {
  readonly protocol: 'http/protobuf' | 'http/json';
  /** A sampler's name in the OpenTelemetry specification. */
  readonly sampler: string;
  /** Share of the traces that is kept, from 0 to 1, by the samplers that ask for it. */
  readonly samplerRatio: number;
}

/** Values that a span may carry. Never a key, a secret, a query or a name that people chose. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span that has begun. */
export interface Span {
  /** Adds what became known meanwhile. */
  note(attributes: SpanAttributes): void;
}

/** The span of a request, which callbacks enter and leave. */
export interface RequestSpan {
  /** Runs `next` inside of the span. */
  run(next: () => void): void;
  end(attributes: SpanAttributes, failed: boolean): void;
}

/** Makes spans. What `work` begins inside of it, however asynchronously, becomes its child. */
export interface Tracer {
  /** False when nobody collects: then `span` does nothing but `work`. */
  readonly on: boolean;
  /** Runs `work` in a span that ends with it; a failure is marked on the span and passed on. */
  span<T>(name: string, attributes: SpanAttributes, work: (span: Span) => Promise<T>): Promise<T>;
  /** Begins the span of one request. It continues the caller's trace when that sent one (`traceparent`, W3C Trace Context). */
  request(
    name: string,
    attributes: SpanAttributes,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  ): RequestSpan;
  /** Sends what was collected, for a bounded time, and ends. */
  close(): Promise<void>;
}

const SILENT: Span = { note: () => {} };

/** The tracer of a service that nobody traces. */
export const UNTRACED: Tracer = {
  on: false,
  span: (_name, _attributes, work) => work(SILENT),
  request: () => ({ run: (next) => next(), end: () => {} }),
  close: async () => {},
};
