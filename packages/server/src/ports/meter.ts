// Numbers about the service while it runs: every metric there is, and the port that takes them.

interface MetricRow {
  readonly kind: 'counter' | 'histogram' | 'gauge';
  /** Prometheus name: unit and `_total` at the end. */
  readonly name: string;
  readonly help: string;
  /** Each label has few values that the code knows beforehand: never a name, a path, a key or an address. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** Every metric of the service. The page docs/reference/metrics.md is made from it. */
export const METRICS = {
  requests: {
    kind: 'histogram',
    name: 'latchkey_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer, by method, row of the route table and status.',
    labels: ['method', 'route', 'status'],
    buckets: SECONDS,
  },
  requestsUnderWay: {
    kind: 'gauge',
    name: 'latchkey_http_requests_under_way',
    help: 'Requests that have begun and whose answer has not ended.',
    labels: [],
  },
  decisions: {
    kind: 'counter',
    name: 'latchkey_decisions_total',
    help: 'Decisions of the guard by operation and outcome: ALLOWED, or the code of the refusal.',
    labels: ['operation', 'code'],
  },
  reservations: {
    kind: 'counter',
    name: 'latchkey_reservations_total',
    help: 'Calls on the store of counters: made, refused, settled, released (given back), lapsed (given back by time), failed.',
    labels: ['outcome'],
  },
  countersDuration: {
    kind: 'histogram',
    name: 'latchkey_counters_call_duration_seconds',
    help: 'Time of one call on the store of counters.',
    labels: ['call'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 0.5, 2],
  },
  revocationDelay: {
    kind: 'histogram',
    name: 'latchkey_revocation_delay_seconds',
    help: 'Time from a revocation or a change of rules to the moment this node acts on it.',
    labels: [],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
  },
  uploadedFiles: {
    kind: 'counter',
    name: 'latchkey_uploaded_files_total',
    help: 'Uploads that became a file or a version of one.',
    labels: [],
  },
  uploadedBytes: {
    kind: 'counter',
    name: 'latchkey_uploaded_bytes_total',
    help: 'Bytes of those uploads.',
    labels: [],
  },
  databaseConnections: {
    kind: 'gauge',
    name: 'latchkey_database_connections',
    help: 'Connections of the pool to PostgreSQL by state: idle, busy. The embedded database has one.',
    labels: ['state'],
  },
  databaseWaiting: {
    kind: 'gauge',
    name: 'latchkey_database_waiting',
    help: 'Callers that wait for a connection to the database.',
    labels: [],
  },
  imageWorkers: {
    kind: 'gauge',
    name: 'latchkey_image_workers',
    help: 'Places for drawing processes by state: idle, busy.',
    labels: ['state'],
  },
  imagesWaiting: {
    kind: 'gauge',
    name: 'latchkey_images_waiting',
    help: 'Pictures that wait for a drawing process: now (somebody waits), later (nobody does).',
    labels: ['urgency'],
  },
  examinationsWaiting: {
    kind: 'gauge',
    name: 'latchkey_examinations_waiting',
    help: 'Uploads whose content has yet to be looked at, over all nodes.',
    labels: [],
  },
  swept: {
    kind: 'counter',
    name: 'latchkey_swept_total',
    help: 'What sweeps of this node have removed: uploads, blobs, leavings, approvals.',
    labels: ['kind'],
  },
} as const satisfies Record<string, MetricRow>;

type Table = typeof METRICS;
export type MetricName = keyof Table;
type OfKind<Kind extends MetricRow['kind']> = {
  [N in MetricName]: Table[N]['kind'] extends Kind ? N : never;
}[MetricName];

/** A value for each label of the metric. */
export type Labels<N extends MetricName> = Readonly<Record<Table[N]['labels'][number], string>>;

/** What a gauge shows at one moment. */
export interface Sample<N extends MetricName> {
  readonly labels: Labels<N>;
  readonly value: number;
}

/** Takes numbers. Nothing here waits or throws, and every call is cheap enough for each request. */
export interface Meter {
  /** Adds to a counter; `by` is at least 0. */
  count<N extends OfKind<'counter'>>(name: N, labels: Labels<N>, by?: number): void;
  /** Puts a value into a histogram. */
  observe<N extends OfKind<'histogram'>>(name: N, labels: Labels<N>, value: number): void;
  /** Says where a gauge gets its values from. They are asked for at each reading, for a bounded time; what does not answer is
   *  left out of that reading. A later call for the same gauge replaces the earlier one. */
  watch<N extends OfKind<'gauge'>>(name: N, read: () => readonly Sample<N>[] | Promise<readonly Sample<N>[]>): void;
  /** Everything in the Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}
