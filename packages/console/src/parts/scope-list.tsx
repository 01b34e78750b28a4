// The editor of folder scopes: a folder per row, and whether everything below it belongs to it.
import { parseScope } from '@latchkey/policy';
import { ActionIcon, Button, Input, Switch, TextInput, Tooltip } from '@mantine/core';
import { IconFolder, IconPlus, IconX } from '@tabler/icons-react';
import { type ReactNode, useId, useState } from 'react';
import classes from './scope-list.module.css';

interface Row {
  readonly key: number;
  readonly path: string;
  readonly deep: boolean;
  readonly typed: boolean;
}

let lastKey = 0;

function split(scope: string): Row {
  lastKey += 1;
  const deep = scope.endsWith('/*');
  return { key: lastKey, path: deep ? scope.slice(0, -2) || '/' : scope, deep, typed: false };
}

/** An empty path never becomes `/*`: clearing a field must not mean "everything". */
function join({ path, deep }: Row): string {
  if (!deep || path === '') return path;
  return path === '/' ? '/*' : `${path}/*`;
}

/** Says in words what a list of scopes covers. */
function describe(rows: readonly Row[]): string {
  if (rows.some((row) => join(row) === '/*')) return 'Every folder is included.';
  const named = rows
    .filter((row) => row.path !== '')
    .map((row) => `${row.path}${row.deep ? ' and everything below' : ''}`);
  return named.length === 0 ? 'No folder is included.' : `Included: ${named.join('; ')}.`;
}

/** Edits a `dir_scope` list. `messages` are faults of entries by index; each path is also judged as it is typed. */
export function ScopeList(props: {
  readonly label: string;
  readonly description: ReactNode;
  readonly value: readonly string[];
  readonly onChange: (scopes: string[]) => void;
  readonly error?: ReactNode;
  readonly messages: ReadonlyMap<number, string>;
}) {
  const id = useId();
  const [rows, setRows] = useState(() => props.value.map(split));
  // The list can change from outside, by a reset or a preset.
  if (rows.length !== props.value.length || rows.some((row, index) => join(row) !== props.value[index])) {
    setRows(props.value.map(split));
  }

  const update = (next: readonly Row[]) => {
    setRows([...next]);
    props.onChange(next.map(join));
  };
  const change = (key: number, part: Partial<Row>) =>
    update(rows.map((row) => (row.key === key ? { ...row, ...part, typed: true } : row)));
  const type = (key: number, text: string) =>
    change(key, text.endsWith('/*') ? { path: text.slice(0, -2) || '/', deep: true } : { path: text });

  const problem = (row: Row, index: number): string | undefined => {
    const said = props.messages.get(index);
    if (said !== undefined || !row.typed || row.path === '') return said;
    const parsed = parseScope(join(row));
    return parsed.ok ? undefined : parsed.reason;
  };

  return (
    <fieldset className={classes.list} aria-describedby={`${id}-about`}>
      <legend className={classes.label}>{props.label}</legend>
      <Input.Description id={`${id}-about`}>{props.description}</Input.Description>
      <ul className={classes.rows}>
        {rows.map((row, index) => (
          <li key={row.key} className={classes.row}>
            <TextInput
              className={classes.path}
              aria-label={`${props.label}: folder ${index + 1}`}
              leftSection={<IconFolder size={16} aria-hidden />}
              placeholder="/folder"
              value={row.path}
              onChange={(event) => type(row.key, event.currentTarget.value)}
              error={problem(row, index)}
              autoComplete="off"
              spellCheck={false}
            />
            <Switch
              className={classes.deep}
              size="sm"
              label="and everything below"
              aria-label={`Everything below folder ${index + 1} of ${props.label}`}
              checked={row.deep}
              onChange={(event) => change(row.key, { deep: event.currentTarget.checked })}
            />
            <Tooltip label="Remove this folder">
              <ActionIcon
                className={classes.remove}
                variant="subtle"
                color="gray"
                aria-label={`Remove folder ${index + 1} from ${props.label}`}
                onClick={() => update(rows.filter((other) => other.key !== row.key))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Tooltip>
          </li>
        ))}
      </ul>
      <div className={classes.foot}>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconPlus size={14} />}
          data-invalid={props.error ? true : undefined}
          onClick={() => update([...rows, { ...split(''), deep: true }])}
        >
          Add a folder
        </Button>
        <span className={classes.meaning} aria-live="polite">
          {describe(rows)}
        </span>
      </div>
      {props.error ? <Input.Error mt={6}>{props.error}</Input.Error> : null}
    </fieldset>
  );
}
