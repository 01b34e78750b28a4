// The editor of quotas: what is counted apart, in which time, and how much of it is allowed.
import { QUOTA_DIMENSIONS, QUOTA_WINDOWS, QUOTAS_MAX, type QuotaDimension, type QuotaWindow } from '@latchkey/policy';
import { ActionIcon, Button, MultiSelect, Select, Tooltip } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { emptyQuota, type NumberDraft } from '../draft.ts';
import { entryMessages } from '../faults.ts';
import { type Field, useDraft } from './form-context.ts';
import { LimitInput, SizeInput } from './quantity-input.tsx';
import classes from './quota-list.module.css';

const DIMENSIONS: Readonly<Record<QuotaDimension, string>> = {
  template: 'everything together',
  key: 'each key',
  address: 'each client address',
  subject: 'each person',
  folder: 'each folder',
};

const WINDOWS: Readonly<Record<QuotaWindow, string>> = {
  minute: 'in any minute',
  hour: 'in any hour',
  day: 'in any day',
  lifetime: 'for ever',
};

const windows = Object.keys(QUOTA_WINDOWS) as readonly QuotaWindow[]; // The keys of a table typed by its names.
const UNLIMITED = 'Unlimited';

/** Edits the list of quotas of the draft. */
export function QuotaList() {
  const form = useDraft();
  const { quotas } = form.values;
  const whole = entryMessages('quotas', form.errors);
  const amount = (index: number, name: 'files' | 'bytes' | 'calls'): Field<NumberDraft> => {
    const { value, onChange, error } = form.getInputProps(`quotas.${index}.${name}`);
    return { value, onChange, error };
  };

  return (
    <div>
      <ul className={classes.rows}>
        {quotas.map((quota, index) => (
          // Rows have no identity but their place; nothing in them keeps a state of its own beyond it.
          // biome-ignore lint/suspicious/noArrayIndexKey: the place is what the form and its messages go by.
          <li key={index} className={classes.row}>
            <fieldset className={classes.quota} aria-label={`Quota ${index + 1}`}>
              <MultiSelect
                label="Counted for"
                searchable
                data={QUOTA_DIMENSIONS.map((value) => ({ value, label: DIMENSIONS[value] }))}
                value={quota.per}
                onChange={(per) => form.setFieldValue(`quotas.${index}.per`, per)}
                error={form.errors[`quotas.${index}.per`] ?? whole.get(index)}
              />
              <Select
                label="Time"
                allowDeselect={false}
                data={windows.map((value) => ({ value, label: WINDOWS[value] }))}
                value={quota.window}
                onChange={(window) => form.setFieldValue(`quotas.${index}.window`, window ?? 'day')}
                error={form.errors[`quotas.${index}.window`]}
              />
              <LimitInput label="Files" description="Uploaded" placeholder={UNLIMITED} {...amount(index, 'files')} />
              <SizeInput label="Bytes" description="Uploaded" placeholder={UNLIMITED} {...amount(index, 'bytes')} />
              <LimitInput
                label="Calls"
                description="Other than uploads"
                placeholder={UNLIMITED}
                {...amount(index, 'calls')}
              />
            </fieldset>
            <Tooltip label="Remove this quota">
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Remove quota ${index + 1}`}
                onClick={() => form.removeListItem('quotas', index)}
              >
                <IconX size={16} />
              </ActionIcon>
            </Tooltip>
          </li>
        ))}
      </ul>
      <Button
        variant="subtle"
        size="compact-sm"
        leftSection={<IconPlus size={14} />}
        disabled={quotas.length >= QUOTAS_MAX}
        onClick={() => form.insertListItem('quotas', emptyQuota())}
      >
        Add a quota
      </Button>
    </div>
  );
}
