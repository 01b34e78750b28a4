// All ports together: what the composition root must provide.
import type { Accesses } from './access.ts';
import type { Airboxes } from './airboxes.ts';
import type { Approvals } from './approvals.ts';
import type { Blobs, LinkedBlobs } from './blobs.ts';
import type { Bulks } from './bulk.ts';
import type { Bus } from './bus.ts';
import type { Changes } from './changes.ts';
import type { Collections, Pins } from './collections.ts';
import type { Comments } from './comments.ts';
import type { Counters } from './counters.ts';
import type { Descriptions } from './descriptions.ts';
import type { Examinations } from './examinations.ts';
import type { Favorites } from './favorites.ts';
import type { Fetcher } from './fetcher.ts';
import type { Geo } from './geo.ts';
import type { Images } from './images.ts';
import type { Labels } from './labels.ts';
import type { Media } from './media.ts';
import type { Metadata } from './metadata.ts';
import type { PartialBlobs } from './partial-blobs.ts';
import type { Passwords } from './passwords.ts';
import type { Renders } from './renders.ts';
import type { ResumableUploads } from './resumable.ts';
import type { Search } from './search.ts';
import type { Settings } from './settings.ts';
import type { Shares } from './shares.ts';
import type { System } from './system.ts';
import type { Tagger } from './tagger.ts';
import type { Tasks } from './tasks.ts';
import type { Templates } from './templates.ts';
import type { Variants } from './variants.ts';

/** Everything the guard and the operations may use. */
export interface Ports {
  readonly templates: Templates;
  readonly bus: Bus;
  readonly accesses: Accesses;
  readonly metadata: Metadata;
  readonly descriptions: Descriptions;
  readonly search: Search;
  readonly changes: Changes;
  readonly comments: Comments;
  readonly settings: Settings;
  readonly bulks: Bulks;
  readonly labels: Labels;
  readonly collections: Collections;
  readonly pins: Pins;
  readonly favorites: Favorites;
  readonly variants: Variants;
  readonly tasks: Tasks;
  readonly shares: Shares;
  readonly airboxes: Airboxes;
  readonly passwords: Passwords;
  readonly approvals: Approvals;
  readonly counters: Counters;
  readonly blobs: Blobs & Partial<LinkedBlobs>;
  readonly partials: PartialBlobs;
  readonly resumables: ResumableUploads;
  readonly media: Media;
  readonly fetcher: Fetcher;
  readonly images: Images;
  readonly examinations: Examinations;
  readonly renders: Renders;
  readonly geo: Geo;
  readonly system: System;
  /** Undefined when no admin has named one. */
  readonly tagger: Tagger | undefined;
}
