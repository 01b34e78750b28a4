// Uploads a file in parts that survive a bad line. Run: node resume.mjs http://127.0.0.1:7700 demo <key> <file>
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { createClient, fixedKey, uploadResumable } from '@latchkey/sdk';

const [endpoint, container, key, path] = process.argv.slice(2);
const client = createClient({ endpoint, container, keys: fixedKey(key) });
const file = await uploadResumable(client, await openAsBlob(path), {
  name: basename(path),
  folder: '/uploads',
  partBytes: 1024 * 1024,
  onBegin: (address) => console.log(`resume it with: ${address}`),
  onProgress: (storedBytes) => console.log(`${storedBytes} bytes are stored`),
});
console.log(`${file.name} is there: ${file.size.bytes} bytes`);
