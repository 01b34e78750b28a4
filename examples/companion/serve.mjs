// Runs Uppy's companion beside a Latchkey server: it fetches files from addresses and cloud drives and sends them on with the
// key of the page that asked. Everything that Latchkey decides by - the key, the browser's address, the page's origin - goes
// through here, so it is this file, not the page, that says it.
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { app as companionApp, socket } from '@uppy/companion';
import express from 'express';
import session from 'express-session';

const { env } = process;
const host = env.HOST ?? '127.0.0.1';
const port = Number(env.PORT ?? 7712);
const latchkey = new URL(env.LATCHKEY_URL ?? 'http://127.0.0.1:7700').href.replace(/\/+$/, '');
const pageOrigins = (env.PAGE_ORIGINS ?? 'http://127.0.0.1:7700').split(',');
const publicUrl = new URL(env.COMPANION_URL ?? `http://${host}:${port}`);
const secret = env.COMPANION_SECRET ?? randomBytes(32).toString('hex');

// It writes down whole requests that were refused, and the key stands in them.
const log = console.log.bind(console);
const withoutKeys = (text) => text.replace(/(x-filerobot-key\W+)[\w.+/=~-]+/gi, '$1******');
console.log = (...texts) => log(...texts.map((text) => withoutKeys(String(text))));

const { app: companion, emitter } = companionApp({
  // Each drive needs an application registered with its maker: { drive: { key: '…', secret: '…' } } and so on.
  providerOptions: {},
  enableUrlEndpoint: true,
  allowLocalUrls: env.ALLOW_LOCAL_URLS === 'on',
  server: { protocol: publicUrl.protocol.slice(0, -1), host: publicUrl.host },
  filePath: env.COMPANION_FOLDER ?? (await mkdtemp(join(tmpdir(), 'companion-'))),
  secret,
  // It sends files nowhere but to this Latchkey, and answers no pages but these.
  uploadUrls: [`^${latchkey.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/[\\w-]+/v[345]/(?:files|tus)(?:[/?]|$)`],
  corsOrigins: pageOrigins,
  metrics: false,
});

// It tells pages only that an upload was refused, and what the server said in a place where no page looks: here it becomes the message.
const emit = emitter.emit.bind(emitter);
emitter.emit = (name, message, ...more) => {
  const said = message?.action === 'error' ? message.payload?.error?.extraData?.responseText : undefined;
  if (typeof said === 'string') message.payload.error.message = sentenceOf(said) ?? message.payload.error.message;
  return emit(name, message, ...more);
};

/** What a refusal of Latchkey says to people. */
function sentenceOf(text) {
  try {
    const { msg, hint } = JSON.parse(text);
    return [msg, hint].filter(Boolean).join('. ') || undefined;
  } catch {
    return undefined; // Somebody in between has answered, not Latchkey.
  }
}

const app = express();
// The proxies in front, if any: without them, anybody could say whose address it is.
app.set('trust proxy', (env.TRUSTED_PROXIES ?? '').split(',').filter(Boolean));
app.use(express.json());
app.use((request, response, next) => {
  const message = faultOf(request.body);
  if (message !== undefined) {
    const origin = request.get('origin');
    if (pageOrigins.includes(origin)) response.set('access-control-allow-origin', origin); // So that the page can read why.
    response.status(400).json({ message });
    return;
  }
  request.body.headers = headersFor(request);
  next();
});
// Only somebody who is signing in to a drive has a session.
app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { maxAge: 24 * 60 * 60 * 1000 } }));
app.use(companion);

/** Why a request is refused; undefined when it is not. */
function faultOf({ endpoint, uploadUrl }) {
  if (uploadUrl) return 'Leave uploadUrl out: every file is sent to the endpoint, as a new upload.';
  if (endpoint === undefined || isPlain(endpoint)) return undefined;
  return 'Write the endpoint as it is sent: an absolute address, its host in lower case, without `..` and without a port that goes without saying.';
}

/**
 * Whether an address is sent as it is written, so that `uploadUrls` judges what is sent: `…/files/../../other` would leave them.
 * What is behind the path leads nowhere else, and the widget leaves apostrophes there.
 */
function isPlain(address) {
  if (typeof address !== 'string') return false;
  const [place] = address.split(/[?#]/, 1);
  return URL.canParse(place) && new URL(place).href === place;
}

/** Of the headers that a page wishes for, the key alone; the rest is what this server has seen by itself. */
function headersFor(request) {
  const wished = Object.entries(request.body.headers ?? {});
  const key = wished.find(([name]) => name.toLowerCase() === 'x-filerobot-key')?.[1];
  const origin = request.get('origin');
  return {
    ...(typeof key === 'string' ? { 'x-filerobot-key': key } : {}),
    'x-forwarded-for': request.ip,
    ...(origin === undefined ? {} : { 'x-forwarded-origin': origin }),
  };
}

const server = app.listen(port, host, () => {
  console.log(`companion of ${latchkey} on http://${host}:${server.address().port}`);
});
socket(server);
