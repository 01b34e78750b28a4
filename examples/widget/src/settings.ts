// What the page must know before the widget can start: which server, which container, which security template.

/** Where the widget works and as whom. Every value has been checked to be usable. */
export interface Settings {
  readonly container: string;
  readonly securityTemplateId: string;
  /** A ready access key that a back end minted; used instead of exchanging the template. */
  readonly accessKey: string | undefined;
  /** Whom the access key was made for: the widget offers them to change what is theirs. Nobody believes it but the page. */
  readonly user: string | undefined;
  /** Origin of the API, without a slash at the end. The widget needs it absolute. */
  readonly apiEndpoint: string;
  /** The folder the widget opens at and never leaves. */
  readonly rootFolderPath: string;
}

/** Why the page cannot start, in words for the person looking at it. */
export class SettingsError extends Error {}

/**
 * Asks the server that delivered this page for its settings. `?template=` and `?folder=` in the address of the page
 * take precedence over the server's template and over the root folder; `#key=` brings a ready access key and `&user=` the
 * subject it was made for, behind the hash because browsers never send that part anywhere.
 * Throws a {@link SettingsError} when there is no usable answer.
 */
export async function loadSettings(page: URL): Promise<Settings> {
  const answer = await readAnswer(new URL('config.json', page));
  const container = text(answer, 'container');
  const securityTemplateId = page.searchParams.get('template') ?? text(answer, 'security_template_id');
  if (container === undefined) throw new SettingsError('The server did not name a container for this demo.');
  if (securityTemplateId === undefined) {
    throw new SettingsError(
      'The server did not name a security template for this demo. Make one in the console and open this page with ?template= and its identifier.',
    );
  }
  const given = new URLSearchParams(page.hash.slice(1));
  return {
    container,
    securityTemplateId,
    accessKey: given.get('key') ?? undefined,
    user: given.get('user') ?? undefined,
    apiEndpoint: (text(answer, 'api_endpoint') ?? page.origin).replace(/\/+$/, ''),
    rootFolderPath: page.searchParams.get('folder') ?? '/',
  };
}

async function readAnswer(address: URL): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(address, { headers: { accept: 'application/json' } });
  } catch (cause) {
    throw new SettingsError('The Latchkey server does not answer. Is it still running?', { cause });
  }
  if (!response.ok) throw new SettingsError(`The Latchkey server refused the demo settings (HTTP ${response.status}).`);
  try {
    return await response.json();
  } catch (cause) {
    throw new SettingsError('The demo settings of the server are not JSON.', { cause });
  }
}

function text(answer: unknown, name: string): string | undefined {
  const value = typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
