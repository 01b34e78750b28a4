// A short guide: how templates, keys and limits fit together, for somebody who opens the console for the first time.
import { Link } from '@tanstack/react-router';
import { CodeBlock } from '../parts/code-block.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useSignedIn } from '../session.ts';
import classes from './guide.module.css';

const REFUSALS: readonly (readonly [string, string, string])[] = [
  ['401', 'KEY_EXPIRED', 'The key is too old. Fetch a new one; the widget and the library do it by themselves.'],
  ['401', 'KEY_REVOKED', 'The template was deactivated or deleted.'],
  ['403', 'PERMISSION_DENIED', 'The template does not give this permission.'],
  ['403', 'SCOPE_DENIED', 'The folder is outside the folders of the template.'],
  ['403', 'IP_DENIED, COUNTRY_DENIED, ORIGIN_DENIED', 'Not from this address, country or web site.'],
  ['403', 'UPLOAD_QUOTA_EXHAUSTED', 'The key has used up its uploads or bytes. Waiting does not help.'],
  ['404', 'TEMPLATE_NOT_FOUND', 'The identifier is unknown, rotated away, or its template is inactive.'],
  ['413', 'PAYLOAD_TOO_LARGE', 'The file is larger than the template allows.'],
  ['415', 'MEDIA_TYPE_REFUSED', 'The content of the file is of a type that is not accepted.'],
  ['429', 'KEY_RATE_LIMITED, UPLOAD_RATE_LIMITED', 'Too many in one minute. The answer says when to try again.'],
];

/** `/guide` */
export function GuidePage() {
  const { container } = useSignedIn();
  return (
    <>
      <PageHead
        trail={['Help']}
        title="Guide"
        lead="How a browser gets to use your storage without holding a secret."
      />
      <article className={classes.guide}>
        <h2>From template to upload</h2>
        <ol>
          <li>
            <strong>You write a security template.</strong> It says what may be done, in which folders, how much, from
            where and for how long. <Link to="/settings/developer/security-templates/new">Make one</Link>
          </li>
          <li>
            <strong>Your page carries its identifier.</strong> The identifier is public. It opens nothing by itself.
          </li>
          <li>
            <strong>The visitor’s browser exchanges it for an access key.</strong> The key lives for minutes and is
            counted, so that one visitor cannot use up what is meant for all.
          </li>
          <li>
            <strong>Every request is checked against the template as it is now.</strong> Edit or deactivate it, and keys
            that are already out change with it within a second, also in the middle of an upload.
          </li>
        </ol>
        <CodeBlock
          label="exchange"
          code={`curl ${window.location.origin}/${container}/key/SECU_…\n\n{ "status": "success", "key": "SASS__v2__…", "hint": "…" }`}
        />

        <h2>Folder scopes</h2>
        <dl>
          <dt>
            <code>/photos</code>
          </dt>
          <dd>Exactly this folder: the files directly in it.</dd>
          <dt>
            <code>/photos/*</code>
          </dt>
          <dd>This folder and everything below it. A folder named /photos2 is not meant.</dd>
          <dt>
            <code>/*</code>
          </dt>
          <dd>Every folder.</dd>
        </dl>
        <p>
          Uploads have a scope of their own. Everything else, from listing to deleting, follows the other one. Moving
          needs both ends in scope.
        </p>

        <h2>Limits</h2>
        <p>
          Limits are exact: never one too many, with any number of uploads at the same time. A refused or failed upload
          costs nothing. Limits without a time span count over the life of one key; a visitor with a new key starts
          again, which is why the number of exchanges per address is limited too.
        </p>

        <h2>When something is refused</h2>
        <p>
          Every refusal says why and what would help. The code never changes its meaning, so that programs can rely on
          it.
        </p>
        <div className={classes.scroll}>
          <table>
            <thead>
              <tr>
                <th scope="col">Status</th>
                <th scope="col">Code</th>
                <th scope="col">Meaning</th>
              </tr>
            </thead>
            <tbody>
              {REFUSALS.map(([status, code, meaning]) => (
                <tr key={code}>
                  <td>{status}</td>
                  <td>
                    <code>{code}</code>
                  </td>
                  <td>{meaning}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>

        <h2>Secret keys</h2>
        <p>
          Programs on your own servers use <Link to="/settings/developer/secret-keys">secret keys</Link>: permanent,
          with the same permissions and restrictions. They may also make access keys with narrower rights, for example
          one folder per user.
        </p>
      </article>
    </>
  );
}
