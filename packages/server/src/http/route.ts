// What a row of the route table is, and what a handler gets to work with.
import type { Demand, OperationName } from '@latchkey/policy';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Grant } from '../grant.ts';
import type { Demanded, Entrant, Guard } from '../guard/guard.ts';
import type { Ports } from '../ports/index.ts';
import type { FileRecord } from '../ports/metadata.ts';
import type { Query } from './query.ts';

/** Settings that handlers need. */
export interface HttpSettings {
  /** Base of the URLs in answers, without a trailing slash; undefined takes it from the request. */
  readonly publicUrl: string | undefined;
  /** Show the decision trace to everybody, not only to admins. For development. */
  readonly showTrace: boolean;
  /** Who sends the bytes of files: this service, or a store that can, at an address that this service gives out. */
  readonly downloads: 'node' | 'store';
  /** Longest body of JSON, in bytes. */
  readonly jsonBytesMax: number;
  /** A body of JSON arrives within this time. */
  readonly jsonMsMax: number;
}

/** One request in the hands of its handler. */
export interface Call<Op extends OperationName = OperationName> {
  readonly ports: Ports;
  readonly settings: HttpSettings;
  readonly guard: Guard;
  readonly entrant: Entrant;
  /** Container token from the path. */
  readonly container: string;
  /** `v3`, `v4`, `v5`, or empty for an un-versioned path. */
  readonly version: string;
  /** Path parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** The parsed JSON body; undefined when there was none. Handlers of `stream` routes read `request.raw` instead. */
  readonly body: unknown;
  /** Base of the URLs in the answer, such as `https://assets.example.com`. */
  readonly baseUrl: string;
  /** When the handler began. */
  readonly nowMs: number;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The signature for the addresses of a private file, when the caller may fetch it. */
  signature(file: FileRecord): string | undefined;
  /**
   * Asks the guard for a Grant. The caller of the handler settles every grant when the handler returns and releases
   * them all when it throws.
   */
  admit<O extends Op>(
    demands: readonly (Demand & { readonly operation: O })[],
    upload?: Demanded['upload'],
  ): Promise<Grant<O>>;
  /** The same for rights that somebody lends: see `Guard.enterLent`. */
  admitAs<O extends Op>(
    entrant: Entrant,
    demands: readonly (Demand & { readonly operation: O })[],
    upload?: Demanded['upload'],
  ): Promise<Grant<O>>;
}

/** A row of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path patterns below the container: `{v}` stands for v3, v4 and v5; `{v?}` also for no version. */
  readonly paths: readonly string[];
  /** The operations the route may demand; one of them must be open to the caller before the body is read. */
  readonly operations: readonly OperationName[];
  /** What it does, for the API reference. */
  readonly summary: string;
  /** `stream`: the handler reads the body itself. Default `json`. */
  readonly body?: 'json' | 'stream';
  /** The path parameter with the id of the upload that the request goes on with; the guard looks it up. */
  readonly continues?: string;
  /** People open it in browsers: a refusal is a page for those who take pages. */
  readonly page?: true;
  /** Headers of every answer, refusals included. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the credential is: `request` by default; `template` takes the identifier in the path, `optional` lets a
   *  request without one through to the handler (public files). */
  readonly credential?: 'request' | 'template' | 'optional';
  /** The answer's body, or `undefined` when the handler has replied by itself. */
  handle(call: Call): Promise<object | undefined>;
}

/** Declares a row; the handler's `admit` accepts only the operations that the row declares. */
export function route<const Op extends OperationName>(
  row: Omit<Route, 'handle' | 'operations'> & {
    readonly operations: readonly Op[];
    handle(call: Call<Op>): Promise<object | undefined>;
  },
): Route {
  return row as Route; // The runner passes the row's own operations, so the wider Call serves the narrower handler.
}
