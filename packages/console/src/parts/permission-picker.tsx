// The permissions of a record: presets to begin with, groups to read, words instead of constants.
import { isPermission, PERMISSIONS, type Permission, PRESETS } from '@latchkey/policy';
import { Badge, Button, Checkbox, Input, Tooltip } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { PERMISSION_GROUPS, PERMISSION_WORDS, type PermissionGroup } from '../permission-words.ts';
import classes from './permission-picker.module.css';

const inGroup = (group: PermissionGroup): readonly Permission[] =>
  PERMISSIONS.filter((permission) => PERMISSION_WORDS[permission].group === group);

/** The preset that gives exactly these permissions. */
function presetOf(permissions: readonly string[]) {
  const given = new Set(permissions);
  return PRESETS.find(
    (preset) =>
      preset.permissions.length === given.size && preset.permissions.every((permission) => given.has(permission)),
  );
}

/** Permissions in a few words, for lists: the preset or the number, and how many of each group. */
export function glance(permissions: readonly string[]): { readonly title: string; readonly detail: string } {
  const counts = PERMISSION_GROUPS.flatMap(({ id, title }) => {
    const count = permissions.filter((name) => isPermission(name) && PERMISSION_WORDS[name].group === id).length;
    return count === 0 ? [] : [`${title}\u00a0${count}`];
  });
  const preset = presetOf(permissions);
  if (permissions.length === 0) return { title: 'Nothing', detail: 'No permission given' };
  const title = preset?.title ?? (permissions.length === 1 ? '1 permission' : `${permissions.length} permissions`);
  return { title, detail: counts.join(' · ') };
}

/** Edits the list of permissions. */
export function PermissionPicker(props: {
  readonly value: readonly string[];
  readonly onChange: (permissions: string[]) => void;
  readonly error?: ReactNode;
}) {
  const given = new Set(props.value);
  const preset = presetOf(props.value);
  // Always in the order of the published list, so that a document does not change with the order of clicks.
  const set = (next: ReadonlySet<string>) => props.onChange(PERMISSIONS.filter((permission) => next.has(permission)));
  const toggle = (names: readonly Permission[], on: boolean) => {
    const next = new Set(given);
    for (const name of names) {
      if (on) next.add(name);
      else next.delete(name);
    }
    set(next);
  };

  return (
    <div className={classes.picker} data-invalid={props.error ? true : undefined}>
      <fieldset className={classes.presets} aria-label="Presets">
        {PRESETS.map(({ id, title, description, permissions }) => (
          <Tooltip key={id} label={description} multiline maw={280}>
            <Button
              size="xs"
              radius="xl"
              variant={preset?.id === id ? 'filled' : 'default'}
              aria-pressed={preset?.id === id}
              onClick={() => set(new Set(permissions))}
            >
              {title}
            </Button>
          </Tooltip>
        ))}
        <Button
          size="xs"
          radius="xl"
          variant="subtle"
          color="gray"
          c="var(--mantine-color-dimmed)"
          disabled={given.size === 0}
          onClick={() => set(new Set())}
        >
          Select none
        </Button>
        <span className={classes.count} aria-live="polite">
          {given.size} of {PERMISSIONS.length} chosen
        </span>
      </fieldset>
      {props.error ? (
        <Input.Error mb="sm" tabIndex={-1} data-fault>
          {props.error}
        </Input.Error>
      ) : null}
      <div className={classes.groups}>
        {PERMISSION_GROUPS.map((group) => {
          const names = inGroup(group.id);
          const count = names.filter((name) => given.has(name)).length;
          return (
            <fieldset key={group.id} className={classes.group}>
              <legend className="visually-hidden">{group.title}</legend>
              <div className={classes.head}>
                <Checkbox
                  size="sm"
                  label={<span className={classes.groupTitle}>{group.title}</span>}
                  description={group.text}
                  aria-label={`All of ${group.title}`}
                  checked={count === names.length}
                  indeterminate={count > 0 && count < names.length}
                  onChange={(event) => toggle(names, event.currentTarget.checked)}
                />
                <Badge className={classes.tally} variant={count === 0 ? 'default' : 'light'} size="sm">
                  {count}/{names.length}
                </Badge>
              </div>
              <div className={classes.items}>
                {names.map((name) => (
                  <Checkbox
                    key={name}
                    size="sm"
                    className={classes.item}
                    checked={given.has(name)}
                    onChange={(event) => toggle([name], event.currentTarget.checked)}
                    label={
                      <span className={classes.title}>
                        {PERMISSION_WORDS[name].title}
                        {PERMISSION_WORDS[name].grave ? (
                          <IconAlertTriangle size={14} className={classes.grave} aria-label="handle with care" />
                        ) : null}
                        <code className={classes.code}>{name}</code>
                      </span>
                    }
                    description={PERMISSION_WORDS[name].text}
                  />
                ))}
              </div>
            </fieldset>
          );
        })}
      </div>
    </div>
  );
}
