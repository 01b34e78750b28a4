// A proxy before several nodes, as a deployment has one: every request goes to the next node, whatever connection it came on.
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that listens. */
export interface Proxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free port of this machine and hands requests to the nodes in turn, as many as there are by then: bodies stream, headers pass
 *  as they are, and a connection that breaks on one side is broken on the other. */
export async function startProxy(nodes: readonly string[]): Promise<Proxy> {
  // A connection for each request: one that is kept could be closed by the node in the moment it is used again.
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  let turn = 0;
  const server = createServer((incoming, answer) => {
    const node = new URL(nodes[turn++ % nodes.length] ?? '');
    pass(incoming, answer, { host: node.hostname, port: node.port, agent });
  });
  // The nodes decide how long a request may take.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  // For the same reason as above: after the five seconds that are usual, whoever asks next could be cut off.
  server.keepAliveTimeout = 0;
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address() as AddressInfo; // It listens on a port, not on a pipe.
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function pass(
  incoming: IncomingMessage,
  answer: ServerResponse,
  to: { readonly host: string; readonly port: string; readonly agent: Agent },
): void {
  const headers = withoutConnection(incoming.rawHeaders);
  const outgoing = request({ ...to, method: incoming.method, path: incoming.url, headers: [...headers] });
  let answered = false;
  outgoing.once('response', (message) => {
    answered = true;
    answer.writeHead(message.statusCode ?? 502, message.statusMessage, [...withoutConnection(message.rawHeaders)]);
    message.pipe(answer);
    message.once('error', () => answer.destroy());
  });
  // A node may answer before it has read the body: then its answer counts, not the broken pipe.
  outgoing.on('error', () => {
    if (!answered) answer.destroy();
  });
  incoming.pipe(outgoing);
  incoming.once('error', () => outgoing.destroy());
  answer.once('close', () => {
    if (!answer.writableFinished) outgoing.destroy();
  });
}

/** Raw headers without those that are about one connection only (RFC 9110 section 7.6.1). */
function withoutConnection(raw: readonly string[]): readonly string[] {
  return raw.filter((_, at) => !/^(connection|keep-alive)$/i.test(raw[at - (at % 2)] ?? ''));
}
