// THE route table: what is not in it does not exist, and every row names the operations it demands.

import { accessRoutes } from './access.ts';
import { airboxRoutes } from './airboxes.ts';
import { approvalRoutes } from './approvals.ts';
import { archiveRoutes } from './archives.ts';
import { autotagRoutes } from './autotag.ts';
import { bulkRoutes } from './bulk.ts';
import { collectionRoutes } from './collections.ts';
import { commentRoutes } from './comments.ts';
import { favoriteRoutes } from './favorites.ts';
import { fileRoutes } from './files.ts';
import { folderRoutes } from './folders.ts';
import { historyRoutes } from './history.ts';
import { keyRoutes } from './keys.ts';
import { labelRoutes } from './labels.ts';
import { metaRoutes } from './meta.ts';
import { objectRoutes } from './objects.ts';
import { pinRoutes } from './pins.ts';
import { productRoutes } from './products.ts';
import { propertyRoutes } from './properties.ts';
import { resumableRoutes } from './resumable.ts';
import type { Route } from './route.ts';
import { secretKeyRoutes } from './secret-keys.ts';
import { settingsRoutes } from './settings.ts';
import { shareVisitRoutes } from './share-visits.ts';
import { shareRoutes } from './shares.ts';
import { similarRoutes } from './similar.ts';
import { tableRoutes } from './tables.ts';
import { tagRoutes } from './tags.ts';
import { templateRoutes } from './templates.ts';
import { uploadRoutes } from './uploads.ts';
import { variantRoutes } from './variants.ts';

export const ROUTES: readonly Route[] = [
  ...keyRoutes,
  ...templateRoutes,
  ...secretKeyRoutes,
  ...settingsRoutes,
  ...folderRoutes,
  ...fileRoutes,
  ...uploadRoutes,
  ...resumableRoutes,
  ...historyRoutes,
  ...commentRoutes,
  ...variantRoutes,
  ...objectRoutes,
  ...metaRoutes,
  ...propertyRoutes,
  ...tagRoutes,
  ...productRoutes,
  ...bulkRoutes,
  ...labelRoutes,
  ...collectionRoutes,
  ...pinRoutes,
  ...favoriteRoutes,
  ...autotagRoutes,
  ...similarRoutes,
  ...archiveRoutes,
  ...shareRoutes,
  ...shareVisitRoutes,
  ...airboxRoutes,
  ...accessRoutes,
  ...tableRoutes,
  ...approvalRoutes,
];
