// "Try this key": exchanges the template for an access key and makes calls with it, as a page would.
import { Badge, Button, FileButton, Progress, Select, TextInput } from '@mantine/core';
import { IconKey, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { curlCommand, isRecord, type ProbeAnswer, type ProbeRequest, probe } from '../probe.ts';
import { formatDuration } from '../quantity.ts';
import { CodeBlock } from './code-block.tsx';
import { Identifier } from './identifier.tsx';
import classes from './try-key.module.css';

interface Exchanged {
  readonly request: ProbeRequest;
  readonly answer: ProbeAnswer;
  readonly key: string | undefined;
  readonly permissions: readonly string[];
  readonly atMs: number;
}

interface CallInput {
  readonly base: string;
  readonly key: string;
  readonly folder: string;
  readonly file: File | undefined;
}

const withKey = (key: string) => ({ 'X-Filerobot-Key': key });
const inFolder = (folder: string) => `folder=${encodeURIComponent(folder)}`;

const CALLS: readonly {
  readonly value: string;
  readonly label: string;
  readonly takesFolder: boolean;
  readonly takesFile: boolean;
  readonly request: (input: CallInput) => ProbeRequest;
}[] = [
  {
    value: 'files',
    label: 'List files of a folder',
    takesFolder: true,
    takesFile: false,
    request: ({ base, key, folder }) => ({
      method: 'GET',
      url: `${base}/v5/files?${inFolder(folder)}&limit=20`,
      headers: withKey(key),
    }),
  },
  {
    value: 'folders',
    label: 'List folders in a folder',
    takesFolder: true,
    takesFile: false,
    request: ({ base, key, folder }) => ({
      method: 'GET',
      url: `${base}/v5/folders?${inFolder(folder)}&limit=20`,
      headers: withKey(key),
    }),
  },
  {
    value: 'upload',
    label: 'Upload a file',
    takesFolder: true,
    takesFile: true,
    request: ({ base, key, folder, file }) => ({
      method: 'POST',
      url: `${base}/v4/files?${inFolder(folder)}`,
      headers: withKey(key),
      file: file ?? sampleFile(),
    }),
  },
  {
    value: 'create-folder',
    label: 'Make a folder',
    takesFolder: true,
    takesFile: false,
    request: ({ base, key, folder }) => ({
      method: 'POST',
      url: `${base}/v5/folders`,
      headers: withKey(key),
      json: JSON.stringify({ name: folder }),
    }),
  },
  {
    value: 'info',
    label: 'Ask what the key may do',
    takesFolder: false,
    takesFile: false,
    request: ({ base, key }) => ({
      method: 'GET',
      url: `${base}/v4/key/info?key=${encodeURIComponent(key)}`,
      headers: {},
    }),
  },
];

function sampleFile(): File {
  return new File(['A test file from the console of Latchkey.\n'], 'latchkey-test.txt', { type: 'text/plain' });
}

/** `validitySeconds` is the template's; the countdown runs from the moment of the question. */
export function TryKey(props: {
  readonly container: string;
  readonly template: string;
  readonly active: boolean;
  readonly validitySeconds: number;
}) {
  const base = `${window.location.origin}/${encodeURIComponent(props.container)}`;
  const exchange = useMutation({
    mutationFn: async (): Promise<Exchanged> => {
      const atMs = Date.now();
      const request: ProbeRequest = {
        method: 'GET',
        url: `${base}/key/${encodeURIComponent(props.template)}`,
        headers: {},
      };
      const answer = await probe(request);
      const key = isRecord(answer.body) && typeof answer.body['key'] === 'string' ? answer.body['key'] : undefined;
      return { request, answer, key, permissions: key === undefined ? [] : await permissionsOf(base, key), atMs };
    },
  });
  const exchanged = exchange.data;

  return (
    <div className={classes.panel}>
      <p className={classes.lead}>
        This is what a visitor’s browser does, without your session: only the template counts. Calls made here count
        against its limits.
      </p>
      <Button
        leftSection={exchanged === undefined ? <IconKey size={17} /> : <IconRefresh size={17} />}
        variant={exchanged === undefined ? 'filled' : 'default'}
        loading={exchange.isPending}
        onClick={() => exchange.mutate()}
      >
        {exchanged === undefined ? 'Get an access key' : 'Get another key'}
      </Button>
      {exchange.error === null ? null : <Unreachable />}
      {exchanged === undefined ? null : (
        <section className={classes.step} aria-label="Exchange">
          <Outcome answer={exchanged.answer} request={exchanged.request} />
          {exchanged.key === undefined ? null : (
            <div className={classes.key}>
              <Identifier text={exchanged.key} label="Copy access key" />
              <Countdown key={exchanged.atMs} fromMs={exchanged.atMs} seconds={props.validitySeconds} />
              <div className={classes.permissions}>
                {exchanged.permissions.map((permission) => (
                  <Badge key={permission} variant="default" size="sm">
                    {permission}
                  </Badge>
                ))}
              </div>
            </div>
          )}
        </section>
      )}
      {exchanged?.key === undefined ? null : <Caller base={base} accessKey={exchanged.key} />}
    </div>
  );
}

async function permissionsOf(base: string, key: string): Promise<readonly string[]> {
  const { body } = await probe({
    method: 'GET',
    url: `${base}/v4/key/info?key=${encodeURIComponent(key)}`,
    headers: {},
  });
  const listed = isRecord(body) && Array.isArray(body['permissions']) ? body['permissions'] : [];
  return listed.filter((name) => typeof name === 'string');
}

function Caller({ base, accessKey }: { readonly base: string; readonly accessKey: string }) {
  const [name, setName] = useState('files');
  const [folder, setFolder] = useState('/');
  const [file, setFile] = useState<File>();
  const call = CALLS.find(({ value }) => value === name) ?? CALLS[0];
  const run = useMutation({
    mutationFn: async (request: ProbeRequest) => ({ request, answer: await probe(request) }),
  });
  if (call === undefined) return null;

  return (
    <section className={classes.step} aria-labelledby="try-calls">
      <h3 id="try-calls" className={classes.heading}>
        Call the API with it
      </h3>
      <form
        className={classes.call}
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate(call.request({ base, key: accessKey, folder, file }));
        }}
      >
        <Select
          className={classes.what}
          label="Call"
          data={CALLS.map(({ value, label }) => ({ value, label }))}
          value={name}
          onChange={(value) => setName(value ?? 'files')}
          allowDeselect={false}
        />
        {call.takesFolder ? (
          <TextInput
            className={classes.folder}
            label="Folder"
            value={folder}
            onChange={(event) => setFolder(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
          />
        ) : null}
        <Button type="submit" leftSection={<IconPlayerPlay size={16} />} loading={run.isPending}>
          Run
        </Button>
      </form>
      {call.takesFile ? (
        <p className={classes.file}>
          Sends <strong>{file?.name ?? 'latchkey-test.txt'}</strong>
          {file === undefined ? ', a small text.' : '.'}
          <FileButton onChange={(picked) => setFile(picked ?? undefined)}>
            {(button) => (
              <Button {...button} size="compact-sm" variant="subtle">
                Choose another file
              </Button>
            )}
          </FileButton>
        </p>
      ) : null}
      {run.error === null ? null : <Unreachable />}
      {run.data === undefined ? null : <Outcome answer={run.data.answer} request={run.data.request} />}
    </section>
  );
}

/** What was answered, in the order in which it helps: what happened, why, what would help, then everything. */
function Outcome({ answer, request }: { readonly answer: ProbeAnswer; readonly request: ProbeRequest }) {
  const ok = answer.status >= 200 && answer.status < 300;
  return (
    <div className={classes.outcome} data-ok={ok || undefined}>
      <div className={classes.verdict} role="status">
        <Badge color={ok ? 'pine.8' : 'red.8'} size="lg" variant="filled" aria-label={`Status ${answer.status}`}>
          {answer.status}
        </Badge>
        <span className={classes.code}>{answer.code ?? answer.outcome ?? ''}</span>
        <span className={classes.duration}>{Math.round(answer.durationMs)} ms</span>
      </div>
      {answer.msg === undefined ? null : <p className={classes.msg}>{answer.msg}</p>}
      {answer.hint === undefined ? null : <p className={classes.hint}>{answer.hint}</p>}
      <details className={classes.more}>
        <summary>Answer</summary>
        <CodeBlock code={answer.text} label="answer" />
      </details>
      <details className={classes.more}>
        <summary>Request as a curl command</summary>
        <CodeBlock code={curlCommand(request)} label="curl command" wrap />
      </details>
    </div>
  );
}

function Unreachable() {
  return (
    <p role="alert" className={classes.unreachable}>
      No answer arrived. The service may be down, or the connection lost.
    </p>
  );
}

/** How long the key may still begin requests. */
function Countdown({ fromMs, seconds }: { readonly fromMs: number; readonly seconds: number }) {
  const [nowMs, setNowMs] = useState(fromMs);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, seconds - Math.floor((nowMs - fromMs) / 1000));
  return (
    <div className={classes.countdown}>
      <span>{left === 0 ? 'Expired' : `Expires in ${formatDuration(left)}`}</span>
      <Progress
        value={(left / seconds) * 100}
        size="sm"
        color={left < 60 ? 'red' : 'pine'}
        aria-label="Remaining life of the key"
      />
    </div>
  );
}
