// A process that uploads into a database without end and says which uploads are acknowledged; sql.test.ts starts and kills it.
import { writeSync } from 'node:fs';
import { by } from '../../contract/author.ts';
import { newFile } from '../../contract/new-file.ts';
import { openSql } from '../../src/adapters/sql/index.ts';

const [url = '', name = ''] = process.argv.slice(2);
const { templates, metadata } = await openSql(url);
await templates.ensureContainer('demo', 0);

let count = 0;

async function upload(): Promise<never> {
  for (;;) {
    const index = count;
    count += 1;
    const [file] = await metadata.commitFiles('demo', [newFile(`/${name}-${index}`, { sizeBytes: 1 })], by(index));
    // Synchronous, so that a line that was begun is out before the kill can come between it and the acknowledgement.
    writeSync(1, `${file?.name}\n`);
  }
}

// Several at once, so that they share commits.
await Promise.all([upload(), upload(), upload()]);
