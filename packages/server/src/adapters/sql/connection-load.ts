// How busy the connections to the database are, for whoever watches.

/** The connections at one moment. */
export interface ConnectionLoad {
  readonly idle: number;
  readonly busy: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

/** A dialect that tells of its connections. */
export interface Watched {
  load(): ConnectionLoad;
}
