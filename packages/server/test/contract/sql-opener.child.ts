// A process that opens a database, says so, and ends: one of several nodes that start at once; postgres.test.ts starts it.
import { openSql } from '../../src/adapters/sql/index.ts';

const [url = ''] = process.argv.slice(2);
const { metadata, close } = await openSql(url);
await metadata.check();
await close();
process.stdout.write('opened\n');
