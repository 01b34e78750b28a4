// Which access keys to end: one that was leaked, those of a person, or all of them.
import type { KeySelector } from '@latchkey/sdk';
import { Button, Radio, Stack, TextInput } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useState } from 'react';
import { tell } from '../tell.ts';
import classes from './confirm.module.css';

const CHOICES = {
  key: {
    label: 'One key',
    text: 'A key that was leaked, by its text or its id. It ends with every key narrowed from it.',
    field: 'Key or key id',
  },
  subject: {
    label: 'All keys of a person',
    text: 'Those that a back end made for this subject.',
    field: 'Subject',
  },
  all: {
    label: 'All keys of this container',
    text: 'Every page has to fetch a new key. Secret keys stay.',
    field: undefined,
  },
} as const;

type Choice = keyof typeof CHOICES;

/** The keys that were chosen; undefined while it is not said which. */
function selectorOf(choice: Choice, said: string): KeySelector | undefined {
  const text = said.trim();
  if (choice === 'all') return { all: true };
  if (text === '') return undefined;
  if (choice === 'subject') return { subject: text };
  return text.startsWith('SASS__') ? { key: text } : { key_id: text };
}

/** Asks which keys, and ends them. */
export function revokeKeys(revoke: (keys: KeySelector) => Promise<void>): void {
  const id = modals.open({
    title: 'Revoke keys',
    centered: true,
    size: 'lg',
    closeButtonProps: { 'aria-label': 'Close' },
    children: <RevokeDialog revoke={revoke} onClose={() => modals.close(id)} />,
  });
}

function RevokeDialog(props: { readonly revoke: (keys: KeySelector) => Promise<void>; readonly onClose: () => void }) {
  const [choice, setChoice] = useState<Choice>('key');
  const [said, setSaid] = useState('');
  const [busy, setBusy] = useState(false);
  const { field } = CHOICES[choice];
  const keys = selectorOf(choice, said);

  const act = async () => {
    if (keys === undefined) return;
    setBusy(true);
    try {
      await props.revoke(keys);
      tell.done('Keys revoked', 'They have stopped working, with what was under way.');
      props.onClose();
    } catch (error) {
      tell.failure('Could not revoke', error);
    }
    setBusy(false);
  };

  return (
    <div className={classes.body}>
      <p>What is revoked ends at once and cannot be brought back. Keys that are issued afterwards work.</p>
      <Radio.Group
        label="Which keys?"
        value={choice}
        onChange={(value) => {
          setChoice(isChoice(value) ? value : 'key');
          setSaid('');
        }}
      >
        <Stack gap="sm" mt="sm">
          {Object.entries(CHOICES).map(([value, { label, text }]) => (
            <Radio key={value} value={value} label={label} description={text} />
          ))}
        </Stack>
      </Radio.Group>
      {field === undefined ? null : (
        <TextInput
          label={field}
          value={said}
          onChange={(event) => setSaid(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
      )}
      <div className={classes.buttons}>
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button color="red.8" loading={busy} disabled={keys === undefined} onClick={act}>
          Revoke
        </Button>
      </div>
    </div>
  );
}

function isChoice(value: string): value is Choice {
  return Object.hasOwn(CHOICES, value);
}
