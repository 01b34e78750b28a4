// Uploads in every way but the resumable one. Run: node upload.mjs http://127.0.0.1:7700/demo <key> [<url to fetch>]
import { createHash } from 'node:crypto';

const [base, key, url] = process.argv.slice(2);
const headers = { 'X-Filerobot-Key': key };
const bytes = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');

async function upload(way, method, path, body, more = {}) {
  const response = await fetch(`${base}${path}`, { method, headers: { ...headers, ...more }, body });
  const { status, code = '', hint = '', file } = await response.json();
  console.log(`${way}: ${response.status} ${status} ${file?.name ?? code} ${hint}`.trim());
}

// A form, as browsers send it, with what is said about the file beside it.
const form = new FormData();
form.append('meta[files[]]', JSON.stringify({ title: { en: 'A drawing' } }));
form.append('tags[files[]]', JSON.stringify(['drawing']));
form.append('hash[files[]]', createHash('sha256').update(bytes).digest('hex'));
form.append('files[]', new File([bytes], 'form.svg'));
await upload('form', 'POST', '/v5/files?folder=/uploads', form);

// The bytes alone; their name is in the address, their checksum in a header.
const digest = createHash('sha256').update(bytes).digest('base64');
await upload('raw', 'PUT', '/v5/files?folder=/uploads&filename=raw.svg', bytes, {
  'Repr-Digest': `sha-256=:${digest}:`,
});

// Base64 in JSON, also as a data URL.
const json = { name: 'base64.svg', data: bytes.toString('base64'), tags: ['drawing'] };
await upload('base64', 'POST', '/v5/files?folder=/uploads', JSON.stringify(json));

// The same once more: it is there already.
await upload('again', 'POST', '/v5/files?folder=/uploads', JSON.stringify(json));

// A URL for the service to fetch, once the settings of the container allow it.
if (url !== undefined) {
  const files_urls = [{ url, name: 'fetched.svg' }];
  await upload('URL', 'POST', '/v5/files?folder=/uploads', JSON.stringify({ files_urls }));
}
