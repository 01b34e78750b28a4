// A process that uploads into a database without end and says which uploads are acknowledged; sql.test.ts starts and kills it.
import { writeSync } from 'node:fs';
import { ROOT } from '@latchkey/policy';
import { by } from '../../contract/author.ts';
import { openSql } from '../../src/adapters/sql/index.ts';

const [url = '', name = ''] = process.argv.slice(2);
const { templates, metadata } = await openSql(url);
await templates.ensureContainer('demo', 0);

let count = 0;

async function upload(): Promise<never> {
  for (;;) {
    const index = count;
    count += 1;
    const [file] = await metadata.commitFiles(
      'demo',
      [
        {
          folderPath: ROOT,
          name: `${name}-${index}`,
          mime: 'text/plain',
          sizeBytes: 1,
          sha1: '',
          sha256: '',
          blobId: `${name}-${index}`,
          meta: {},
          tags: {},
          info: {},
          productRef: undefined,
          productPosition: undefined,
          uploadedBy: 'key',
        },
      ],
      by(index),
    );
    // Synchronous, so that a line that was begun is out before the kill can come between it and the acknowledgement.
    writeSync(1, `${file?.name}\n`);
  }
}

// Several at once, so that they share commits.
await Promise.all([upload(), upload(), upload()]);
