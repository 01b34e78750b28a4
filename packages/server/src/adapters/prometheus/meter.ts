// The Meter port on prom-client: the table of metrics as a registry, read in the Prometheus text format.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type Meter, type MetricName } from '../../ports/meter.ts';

/** A gauge that does not answer in this time is left out of the reading. */
const READ_MS_MAX = 1_000;

interface AnySample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
type Read = () => readonly AnySample[] | Promise<readonly AnySample[]>;

/** Opens a meter with a registry of its own. With `ofProcess` it tells of memory, processor and event loop, too. */
export function openMeter(options: { readonly ofProcess: boolean }): Meter {
  const registry = new Registry();
  const counters = new Map<MetricName, Counter>();
  const histograms = new Map<MetricName, Histogram>();
  const gauges = new Map<MetricName, Gauge>();
  const reads = new Map<MetricName, Read>();
  for (const [key, row] of Object.entries(METRICS)) {
    const name = key as MetricName; // The keys of the table are its type's.
    const common = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.kind === 'counter') counters.set(name, new Counter(common));
    else if (row.kind === 'gauge') gauges.set(name, new Gauge(common));
    else histograms.set(name, new Histogram({ ...common, buckets: [...row.buckets] }));
  }
  if (options.ofProcess) collectDefaultMetrics({ register: registry });

  async function readGauge(name: MetricName, gauge: Gauge): Promise<void> {
    const read = reads.get(name);
    const samples = read === undefined ? [] : await within(READ_MS_MAX, async () => read());
    gauge.reset();
    // A gauge without labels starts at 0; what is not known must not look like nothing.
    if (samples === undefined || read === undefined) gauge.remove({});
    for (const { labels, value } of samples ?? []) gauge.set(labels, value);
  }

  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    watch: (name, read) => {
      reads.set(name, read);
    },
    expose: async () => {
      await Promise.all([...gauges].map(([name, gauge]) => readGauge(name, gauge)));
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** What `work` answers, or undefined when it fails or takes longer. */
async function within<T>(ms: number, work: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work().catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
