// Serves the built page on this machine, as any web server would: the port is its argument, 7711 by default.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const PAGES = new Map([
  ['/', { file: 'index.html', type: 'text/html; charset=utf-8' }],
  ['/main.css', { file: 'main.css', type: 'text/css; charset=utf-8' }],
  ['/main.js', { file: 'main.js', type: 'text/javascript; charset=utf-8' }],
]);

const server = createServer(async (request, response) => {
  const page = PAGES.get(new URL(request.url ?? '/', 'http://page').pathname);
  if (page === undefined) {
    response.writeHead(404).end();
    return;
  }
  const bytes = await readFile(fileURLToPath(new URL(`./dist/${page.file}`, import.meta.url)));
  response.writeHead(200, { 'content-type': page.type, 'cache-control': 'no-cache' }).end(bytes);
});
server.listen(Number(process.argv[2] ?? 7711), '127.0.0.1', () => {
  const { port } = server.address();
  console.log(`http://127.0.0.1:${port}/`);
});
