// The door of the SQL adapter: one URL opens every port that lives in the database.
import type { Accesses } from '../../ports/access.ts';
import type { Airboxes } from '../../ports/airboxes.ts';
import type { Approvals } from '../../ports/approvals.ts';
import type { Bulks } from '../../ports/bulk.ts';
import type { Bus } from '../../ports/bus.ts';
import type { Changes } from '../../ports/changes.ts';
import type { Collections, Pins } from '../../ports/collections.ts';
import type { Comments } from '../../ports/comments.ts';
import type { Counters } from '../../ports/counters.ts';
import type { Descriptions } from '../../ports/descriptions.ts';
import type { Examinations } from '../../ports/examinations.ts';
import type { Favorites } from '../../ports/favorites.ts';
import type { Labels } from '../../ports/labels.ts';
import type { Metadata } from '../../ports/metadata.ts';
import type { ResumableUploads } from '../../ports/resumable.ts';
import type { Search } from '../../ports/search.ts';
import type { Settings } from '../../ports/settings.ts';
import type { Shares } from '../../ports/shares.ts';
import type { Tasks } from '../../ports/tasks.ts';
import type { Templates } from '../../ports/templates.ts';
import type { Variants } from '../../ports/variants.ts';
import { sqlAccesses } from './access.ts';
import { sqlApprovals } from './approvals.ts';
import { sqlBulks } from './bulk.ts';
import { openBus } from './bus.ts';
import { sqlChanges } from './changes.ts';
import { sqlCollections, sqlPins } from './collections.ts';
import { sqlComments } from './comments.ts';
import type { ConnectionLoad } from './connection-load.ts';
import { sqlCounters } from './counters.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';
import { sqlDescriptions } from './descriptions.ts';
import { sqlDoors } from './doors.ts';
import { sqlExaminations } from './examinations.ts';
import { sqlFavorites } from './favorites.ts';
import { sqlLabels } from './labels.ts';
import { sqlMetadata } from './metadata.ts';
import { sqlResumableUploads } from './resumable.ts';
import { sqlSearch } from './search.ts';
import { sqlSettings } from './settings.ts';
import { sqlTasks } from './tasks.ts';
import { sqlTemplates } from './templates.ts';
import { sqlVariants } from './variants.ts';

/** The ports of one database. `close` ends its connections; it is idempotent, and afterwards every method is unavailable. */
export interface SqlPorts {
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
  readonly examinations: Examinations;
  readonly resumables: ResumableUploads;
  readonly collections: Collections;
  readonly pins: Pins;
  readonly favorites: Favorites;
  readonly variants: Variants;
  readonly tasks: Tasks;
  readonly shares: Shares;
  readonly airboxes: Airboxes;
  readonly approvals: Approvals;
  readonly counters: Counters;
  /** The connections at this moment. */
  load(): ConnectionLoad;
  close(): Promise<void>;
}

/** Opens `sqlite:./path`, `sqlite::memory:` or `postgres://...` and makes missing tables. Raises STORE_UNAVAILABLE when the
 *  database cannot be reached, TypeError for any other URL. */
export async function openSql(url: string, options: DatabaseOptions = {}): Promise<SqlPorts> {
  const database = openDatabase(url, options);
  try {
    await database.migrate();
  } catch (error) {
    await database.close();
    throw error;
  }
  const bus = openBus(url, database, options.log);
  return {
    templates: sqlTemplates(database, bus),
    bus,
    accesses: sqlAccesses(database, bus),
    metadata: sqlMetadata(database, bus),
    descriptions: sqlDescriptions(database),
    search: sqlSearch(database),
    changes: sqlChanges(database),
    comments: sqlComments(database),
    settings: sqlSettings(database),
    bulks: sqlBulks(database),
    labels: sqlLabels(database),
    examinations: sqlExaminations(database),
    resumables: sqlResumableUploads(database),
    collections: sqlCollections(database),
    pins: sqlPins(database),
    favorites: sqlFavorites(database),
    variants: sqlVariants(database),
    tasks: sqlTasks(database),
    shares: sqlDoors(database, 'shares'),
    airboxes: sqlDoors(database, 'airboxes'),
    approvals: sqlApprovals(database),
    counters: sqlCounters(database),
    load: () => database.load(),
    close: async () => {
      await bus.close();
      await database.close();
    },
  };
}
