// A list of named records: search, pages, selection with bulk switches, a switch and a menu per row.
import { ActionIcon, Button, Checkbox, Loader, Menu, Pagination, Skeleton, Switch, TextInput } from '@mantine/core';
import { IconDots, IconSearch, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { type ListView, PAGE_SIZE } from '../api.ts';
import { Failure } from './failure.tsx';
import classes from './record-list.module.css';

/** What every record of such a list has. */
export interface ListedRecord {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
}

/** One column; the first one heads the row. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (record: T) => ReactNode;
}

/** A list with everything around it. `noun` is the record's word in the singular and in the plural. */
export function RecordList<T extends ListedRecord>(props: {
  readonly noun: readonly [string, string];
  readonly records: readonly T[] | undefined;
  readonly total: number;
  readonly busy: boolean;
  readonly error: unknown;
  readonly onRetry: () => void;
  readonly view: ListView;
  readonly onView: (view: ListView) => void;
  readonly columns: readonly Column<T>[];
  /** Shown when there is nothing at all. */
  readonly empty: ReactNode;
  readonly menu: (record: T) => ReactNode;
  readonly onOpen: (record: T) => void;
  readonly onSwitch: (records: readonly T[], active: boolean) => void;
}) {
  const { noun, records, view, columns } = props;
  const [one, many] = noun;
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const shown = records ?? [];
  const chosen = shown.filter((record) => selected.has(record.id));
  const pages = Math.ceil(props.total / PAGE_SIZE);

  if (records === undefined && props.error !== null) {
    return (
      <div className={classes.card}>
        <Failure title={`The ${many} could not be loaded`} error={props.error} onRetry={props.onRetry} />
      </div>
    );
  }
  if (records !== undefined && props.total === 0 && view.search === '')
    return <div className={classes.card}>{props.empty}</div>;

  const select = (ids: readonly string[], on: boolean) => {
    const next = new Set(chosen.map(({ id }) => id));
    for (const id of ids) {
      if (on) next.add(id);
      else next.delete(id);
    }
    setSelected(next);
  };
  const switchChosen = (active: boolean) => {
    props.onSwitch(chosen, active);
    setSelected(new Set());
  };

  return (
    <div className={classes.card}>
      <div className={classes.bar}>
        <SearchField
          label={`Search ${many}`}
          value={view.search}
          onChange={(search) => props.onView({ search, page: 1 })}
        />
        <div className={classes.bulk} role="status">
          {chosen.length === 0 ? (
            <span className={classes.total}>
              {props.busy ? <Loader size={14} aria-label="Loading" /> : null}
              {records === undefined ? '' : `${props.total} ${props.total === 1 ? one : many}`}
            </span>
          ) : (
            <>
              <span className={classes.total}>{chosen.length} selected</span>
              <Button size="compact-sm" variant="default" onClick={() => switchChosen(true)}>
                Activate
              </Button>
              <Button size="compact-sm" variant="default" onClick={() => switchChosen(false)}>
                Deactivate
              </Button>
            </>
          )}
        </div>
      </div>
      {/* Explicit roles: on narrow screens the rows become cards by CSS, which would take the table's meaning away. */}
      {/* biome-ignore-start lint/a11y/noRedundantRoles: see above. */}
      <table className={classes.table} role="table" aria-label={many} aria-busy={records === undefined}>
        <thead role="rowgroup" className={classes.headRow}>
          <tr role="row">
            <th role="columnheader" scope="col" className={classes.pick}>
              <Checkbox
                size="xs"
                aria-label={`Select all ${many} on this page`}
                checked={shown.length > 0 && chosen.length === shown.length}
                indeterminate={chosen.length > 0 && chosen.length < shown.length}
                onChange={(event) =>
                  select(
                    shown.map(({ id }) => id),
                    event.currentTarget.checked,
                  )
                }
              />
            </th>
            {columns.map(({ title }) => (
              <th key={title} role="columnheader" scope="col">
                {title}
              </th>
            ))}
            <th role="columnheader" scope="col">
              Active
            </th>
            <th role="columnheader" scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {records === undefined
            ? [1, 2, 3].map((row) => (
                <tr key={row} role="row">
                  <td role="cell" colSpan={columns.length + 3}>
                    <Skeleton height={36} radius="md" />
                  </td>
                </tr>
              ))
            : shown.map((record) => (
                <tr key={record.id} role="row">
                  <td role="cell" className={classes.pick}>
                    <Checkbox
                      size="xs"
                      aria-label={`Select ${nameOf(record)}`}
                      checked={selected.has(record.id)}
                      onChange={(event) => select([record.id], event.currentTarget.checked)}
                    />
                  </td>
                  {columns.map(({ title, cell }, index) => (
                    <td key={title} role="cell" data-title={title}>
                      {index === 0 ? (
                        <button type="button" className={classes.open} onClick={() => props.onOpen(record)}>
                          {cell(record)}
                        </button>
                      ) : (
                        cell(record)
                      )}
                    </td>
                  ))}
                  <td role="cell" className={classes.switch}>
                    <Switch
                      size="sm"
                      aria-label={`${nameOf(record)} is active`}
                      checked={record.active}
                      onChange={(event) => props.onSwitch([record], event.currentTarget.checked)}
                    />
                  </td>
                  <td role="cell" className={classes.more}>
                    <Menu width={220}>
                      <Menu.Target>
                        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${nameOf(record)}`}>
                          <IconDots size={18} />
                        </ActionIcon>
                      </Menu.Target>
                      <Menu.Dropdown>{props.menu(record)}</Menu.Dropdown>
                    </Menu>
                  </td>
                </tr>
              ))}
        </tbody>
      </table>
      {/* biome-ignore-end lint/a11y/noRedundantRoles: see above. */}
      {records !== undefined && shown.length === 0 ? (
        <p className={classes.nothing}>
          Nothing matches “{view.search}”.{' '}
          <Button size="compact-sm" variant="subtle" onClick={() => props.onView({ search: '', page: 1 })}>
            Clear the search
          </Button>
        </p>
      ) : null}
      {pages > 1 ? (
        <div className={classes.pages}>
          <Pagination
            size="sm"
            total={pages}
            value={view.page}
            onChange={(page) => props.onView({ ...view, page })}
            getControlProps={(control) => ({ 'aria-label': `${control} page` })}
            getItemProps={(page) => ({ 'aria-label': `Page ${page}` })}
          />
        </div>
      ) : null}
    </div>
  );
}

/** A record without a name still needs one to be spoken of. */
export function nameOf(record: { readonly name: string }): string {
  return record.name === '' ? 'Untitled' : record.name;
}

/** Waits until somebody stops typing. */
function SearchField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const { value, onChange } = props;
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <TextInput
      className={classes.search}
      aria-label={props.label}
      placeholder={props.label}
      type="search"
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        text === '' ? null : (
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Clear the search" onClick={() => setText('')}>
            <IconX size={14} />
          </ActionIcon>
        )
      }
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}
