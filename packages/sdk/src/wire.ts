// Shapes of the answers that this library hands on: the part of the wire format that a page needs.

/** A file as the service describes it (wire contract 5.1). */
export interface FileObject {
  /** The last four characters count versions; the rest never changes. */
  readonly uuid: string;
  readonly name: string;
  readonly extension: string;
  /** MIME type, judged on the content. */
  readonly type: string;
  readonly size: { readonly bytes: number; readonly pretty: string };
  readonly meta: Readonly<Record<string, unknown>>;
  readonly url: {
    readonly public: string;
    readonly cdn: string;
    readonly permalink: string;
    readonly download: string;
    readonly path: string;
  };
  readonly hash: { readonly sha1: string };
  /** ISO 8601 in UTC. */
  readonly created_at: string;
  readonly modified_at: string;
  /** `name` is the full path of the folder. */
  readonly folder: { readonly uuid: string; readonly name: string };
}

/** A folder as the service describes it (wire contract 6.1). */
export interface FolderObject {
  readonly uuid: string;
  readonly name: string;
  /** Full path. */
  readonly path: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** What the key may do (wire contract 2.5). */
export interface KeyInfo {
  readonly is_validate: boolean;
  readonly permissions: readonly string[];
  /** Largest file that the key may upload, in bytes. */
  readonly max_file_size: number;
  readonly key_id: string;
  /** ISO 8601 in UTC. */
  readonly expires_at: string;
}
