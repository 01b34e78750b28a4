// The tables as Kysely's types: what a row holds. How they are made is in migrations/.
import type { Generated } from 'kysely';

/** The tables of both dialects. Times are epoch milliseconds, flags 0 or 1, documents JSON text; `*_key` columns are the
 *  texts that are sorted and searched. */
export interface Schema {
  containers: ContainerTable;
  templates: TemplateTable;
  template_identifiers: TemplateIdentifierTable;
  secret_keys: SecretKeyTable;
  revocations: RevocationTable;
  folder_access: FolderAccessTable;
  container_sums: ContainerSumTable;
  login_links: LoginLinkTable;
  sessions: SessionTable;
  folders: FolderTable;
  files: FileTable;
  file_versions: FileVersionTable;
  file_search: FileSearchTable;
  file_values: FileValueTable;
  changes: ChangeTable;
  comments: CommentTable;
  comment_marks: CommentMarkTable;
  container_settings: ContainerSettingsTable;
  bulks: BulkTable;
  approvals: ApprovalTable;
  approval_approvers: ApprovalApproverTable;
  resumable_uploads: ResumableUploadTable;
  tasks: TaskTable;
  shares: DoorTable;
  airboxes: DoorTable;
  tags: TagTable;
  file_tags: FileTagTable;
  examinations: ExaminationTable;
  labels: LabelTable;
  file_labels: FileLabelTable;
  collections: CollectionTable;
  pins: PinTable;
  favorites: FavoriteTable;
  variants: VariantTable;
  counter_entries: CounterEntryTable;
  counter_totals: CounterTotalTable;
}

export interface ContainerTable {
  id: string;
  token: string;
  created_at: number;
}

export interface TemplateTable {
  uid: string;
  container: string;
  identifier: string;
  search_key: string;
  document: string;
  revision: number;
  created_at: number;
  updated_at: number;
}

/** Every identifier that finds a template: the current one (no expiry) and rotated ones in their overlap. */
export interface TemplateIdentifierTable {
  identifier: string;
  template_uid: string;
  expires_at: number | null;
}

export interface SecretKeyTable {
  uid: string;
  container: string;
  secret_hash: string;
  prefix: string;
  search_key: string;
  document: string;
  revision: number;
  created_at: number;
  updated_at: number;
  last_used_at: number | null;
}

/** `matched` is what keys are compared with (of a subject its hash), `named` what people know it by. */
export interface RevocationTable {
  container: string;
  kind: 'key' | 'subject' | 'template' | 'secret' | 'container';
  matched: string;
  named: string;
  issued_until: number;
  revoked_at: number;
  revoked_by: string;
  expires_at: number;
}

/** What is said of access to a folder: the role of others, if any, and `entries` as JSON. */
export interface FolderAccessTable {
  folder_id: string;
  container: string;
  others: number | null;
  entries: string;
}

export interface LoginLinkTable {
  token_hash: string;
  created_at: number;
  expires_at: number;
}

/** The secret key that signed in, if it was one. */
export interface SessionTable extends LoginLinkTable {
  secret_key_container: string | null;
  secret_key_uid: string | null;
}

/** `parent_id` is empty for the root. `path_head` is the part of the path that is indexed. `is_public` is the outcome of inheritance, kept current by every tree change;
 *  `files_count` and `files_bytes` sum the files directly in the folder in their current versions. */
export interface FolderTable {
  id: string;
  container: string;
  parent_id: string;
  path: string;
  path_head: string;
  name: string;
  name_key: string;
  visibility: string;
  is_public: number;
  meta: string;
  files_count: number;
  files_bytes: number;
  created_at: number;
  updated_at: number;
}

/** What all folders of a container sum, in parts; triggers on `folders` keep it. */
export interface ContainerSumTable {
  container: string;
  part: number;
  files_count: number;
  files_bytes: number;
}

/** A file in its current version. `approval_status` is that of the latest approval of this version, null without one; it is
 *  rejected, too, when it is pending and `approval_due_at` has passed.
 *  `title_key` is null until the file can be searched for. `look_key` is null for files that look like nothing, and for some that wait for it, and
 *  below 0 for those whose blurred preview is none. */
export interface FileTable {
  id: string;
  container: string;
  folder_id: string;
  name: string;
  name_key: string;
  version: number;
  mime: string;
  size: number;
  sha1: string;
  sha256: string;
  blob_id: string;
  visibility: string;
  meta: string;
  tags: string;
  info: string;
  product_ref: string | null;
  product_position: number | null;
  approval_status: string | null;
  approval_due_at: number | null;
  /** The short ids of its labels, one after the other. */
  labels: Generated<string>;
  uploaded_by: string;
  created_at: number;
  modified_at: number;
  title_key: string | null;
  look_key: number | null;
}

/** The words of a file: as lines to look into, and as the entries of the word index. A text of `meta_words` has a bar before it; where the first has
 *  none, `grams` know nothing of metadata yet. `size` is that of the file, or null where it has to be
 *  looked up there. */
export interface FileSearchTable {
  seq: Generated<number>;
  size: number | null;
  file_id: string;
  container: string;
  name_words: string;
  tag_words: string;
  meta_words: string;
  tokens: string;
  grams: string;
}

/** Everything a file can be searched by: folded, its words in a line, and as a number where it is one. */
export interface FileValueTable {
  file_id: string;
  container: string;
  field: string;
  text: string;
  head: string;
  words: string;
  number: number | null;
}

/** The content of every version, the current one included. */
export interface FileVersionTable {
  file_id: string;
  version: number;
  mime: string;
  size: number;
  sha1: string;
  sha256: string;
  blob_id: string;
  info: string;
  uploaded_by: string;
  created_at: number;
}

/** What was done to a file; later changes of one file have greater ids. `version` is the file's after the change. */
export interface ChangeTable {
  id: Generated<number>;
  file_id: string;
  version: number;
  action: string;
  person_id: string;
  person_name: string;
  person_email: string | null;
  props: string;
  extra: string;
  changed_at: number;
}

/** A comment on a file; later ones of one file have greater positions. */
export interface CommentTable {
  id: string;
  file_id: string;
  person_id: string;
  person_name: string;
  person_email: string | null;
  text: string;
  position: number;
  added_at: number;
}

/** What people left on comments. */
export interface CommentMarkTable {
  comment_id: string;
  mark: string;
  person_id: string;
}

/** The settings of a container as one document; revision 0 is a row that nobody has changed yet. */
export interface ContainerSettingsTable {
  container: string;
  document: string;
  revision: number;
  updated_at: number;
}

/** A change of many files that waits to be applied. */
export interface BulkTable {
  id: string;
  container: string;
  document: string;
  expires_at: number;
}

/** One approval of one version of a file; `requester` is a person as JSON. At most one of a file is pending. */
export interface ApprovalTable {
  id: string;
  container: string;
  file_id: string;
  file_version: number;
  status: string;
  message: string;
  due_at: number | null;
  requester: string;
  created_at: number;
  ended_at: number | null;
  ended_on: string | null;
}

/** Who is asked, in the order of the request, and what they said. */
export interface ApprovalApproverTable {
  approval_id: string;
  person_id: string;
  position: number;
  name: string;
  email: string | null;
  vote: string | null;
  comment: string | null;
  voted_at: number | null;
}

/** An upload that comes in several requests. The lock is a lease: whoever holds the token writes, until `lock_until`. */
export interface ResumableUploadTable {
  id: string;
  container: string;
  holder: string;
  source: string | null;
  subject: string | null;
  folder_path: string;
  name: string;
  claimed_type: string | null;
  length: number;
  metadata: string | null;
  description: string;
  partial_id: string;
  reservation_id: string | null;
  created_at: number;
  key_issued_at: number;
  expires_at: number;
  file_id: string | null;
  file_version: number | null;
  lock_token: Generated<string | null>;
  lock_until: Generated<number>;
  lock_wanted: Generated<number>;
}

/** Work that a caller comes back for. */
export interface TaskTable {
  id: string;
  container: string;
  kind: string;
  owner: string;
  document: string;
  expires_at: number;
}

/** What somebody lets outsiders do. */
export interface DoorTable {
  puid: string;
  container: string;
  owner: string;
  lender: string | null;
  lent: string;
  document: string;
  created_at: number;
  updated_at: number;
}

/** Every tag that was ever used; whether it still is, `file_tags` tells. */
export interface TagTable {
  container: string;
  sid: string;
  lang: string;
  label_key: string;
  folded: string | null;
}

/** The tags of files in their current versions, as `files.tags` has them too. */
export interface FileTagTable {
  file_id: string;
  sid: string;
  lang: string;
  label: string;
  container: string;
}

/** A label; `sid` is what files carry. */
export interface LabelTable {
  sid: string;
  id: string;
  container: string;
  name_key: string;
  document: string;
  owner_id: string;
  created_at: number;
  updated_at: number;
}

/** A search that is kept for many people. */
export interface CollectionTable {
  id: string;
  container: string;
  title_key: string;
  document: string;
  owner_id: string;
  created_at: number;
  updated_at: number;
}

/** A search that one person keeps. */
export interface PinTable {
  id: string;
  container: string;
  person_id: string;
  name: string;
  query: string;
  created_at: number;
}

/** The mark of a person on a file. */
export interface FavoriteTable {
  container: string;
  person_id: string;
  file_id: string;
  added_at: number;
}

/** A named rendition of a file. */
export interface VariantTable {
  id: string;
  file_id: string;
  name: string;
  query: string;
  position: number;
  created_at: number;
  updated_at: number;
}

/** The labels of files, as `files.labels` has them too. */
export interface FileLabelTable {
  file_id: string;
  label_sid: string;
  container: string;
}

/** A version whose content has yet to be looked at; `due_at` lies in the future while somebody does. */
export interface ExaminationTable {
  file_id: string;
  version: number;
  attempts: number;
  due_at: number;
}

/** What one reservation took from one counter, in the order of its charges. `hold_until` is null once settled. */
export interface CounterEntryTable {
  reservation_id: string;
  position: number;
  counter: string;
  is_lifetime: number;
  cost: number;
  at_ms: number;
  hold_until: number | null;
  expires_at: number;
}

/** The settled sum of a lifetime counter, so that it need not be added up for each reservation. */
export interface CounterTotalTable {
  counter: string;
  settled: number;
}
