// The Tracer port on OpenTelemetry: spans sent in batches over OTLP/HTTP. Loaded only when a collector is named.
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Attributes, type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { AppError } from '../../errors.ts';
import type { SpanAttributes, Tracer, TracesOptions } from '../../ports/tracer.ts';

/** How long the last spans may take at the end of the process. */
const CLOSE_MS_MAX = 3_000;

/**
 * Opens a tracer. Endpoint, headers, timeout, compression and resource come from the standard OTEL_ variables, which the library reads. A
 * collector that does not answer costs nothing but its spans: they wait in a bounded queue and are dropped.
 */
export async function openOtelTracer(options: TracesOptions): Promise<Tracer> {
  const provider = new TracerProvider({
    sampler: samplerOf(options),
    // Later ones win: what the operator says goes over our own name.
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'latchkey' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter: await exporterOf(options) })],
  });
  const tracer = provider.getTracer('latchkey');
  const propagator = new W3CTraceContextPropagator();
  /** The span that the present work belongs to. */
  const current = new AsyncLocalStorage<Context>();

  return {
    on: true,
    async span(name, attributes, work) {
      const parent = current.getStore();
      // Work of our own, such as a sweep, is nobody's request; its calls would be a trace each.
      if (parent === undefined) return work({ note: () => {} });
      const span = tracer.startSpan(name, { attributes: known(attributes) }, parent);
      try {
        return await current.run(trace.setSpan(parent, span), () =>
          work({ note: (more) => void span.setAttributes(known(more)) }),
        );
      } catch (error) {
        // The code says what it is; a message could hold what a client sent.
        span.setAttribute('error.type', error instanceof AppError ? error.code : 'INTERNAL');
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
    request(name, attributes, headers) {
      const caller = propagator.extract(ROOT_CONTEXT, headers, {
        keys: (carrier: typeof headers) => Object.keys(carrier),
        get: (carrier: typeof headers, key) => {
          const value = carrier[key];
          return typeof value === 'string' ? value : value?.[0];
        },
      });
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes: known(attributes) }, caller);
      const inside = trace.setSpan(caller, span);
      return {
        run: (next) => current.run(inside, next),
        end: (more, failed) => {
          span.setAttributes(known(more));
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS_MAX);
      });
      // Spans that cannot be sent are lost; the process ends all the same.
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
}

async function exporterOf({ protocol }: TracesOptions): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter();
}

function samplerOf({ sampler, samplerRatio }: TracesOptions): Sampler {
  const root = (name: string): Sampler => {
    if (name === 'always_off') return new AlwaysOffSampler();
    return name === 'traceidratio' ? new TraceIdRatioBasedSampler(samplerRatio) : new AlwaysOnSampler();
  };
  const [, parentBased] = /^parentbased_(.*)$/.exec(sampler) ?? [];
  return parentBased === undefined ? root(sampler) : new ParentBasedSampler({ root: root(parentBased) });
}

function known(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
