// A new identifier for a template, and how long the old one still works.
import type { SecurityTemplate } from '@latchkey/sdk';
import { Button, Radio, Stack } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useState } from 'react';
import { tell } from '../tell.ts';
import classes from './confirm.module.css';
import { Identifier } from './identifier.tsx';

const OVERLAPS = [
  {
    seconds: 0,
    label: 'Not at all',
    text: 'For an identifier that is being abused. Pages in use break until they have the new one.',
  },
  { seconds: 3600, label: '1 hour', text: 'Enough when the pages are deployed right away.' },
  { seconds: 86_400, label: '1 day', text: 'Visitors with an old page open have time to reload it.' },
  { seconds: 604_800, label: '7 days', text: 'For pages that are changed by somebody else.' },
] as const;

/** Asks for the overlap, rotates, and shows the new identifier. */
export function rotateIdentifier(
  name: string,
  rotate: (overlapSeconds: number) => Promise<SecurityTemplate>,
  onRotated: () => Promise<void>,
): void {
  const id = modals.open({
    title: `Rotate the identifier of “${name}”`,
    centered: true,
    size: 'lg',
    closeButtonProps: { 'aria-label': 'Close' },
    children: <RotateDialog rotate={rotate} onRotated={onRotated} onClose={() => modals.close(id)} />,
  });
}

function RotateDialog(props: {
  readonly rotate: (overlapSeconds: number) => Promise<SecurityTemplate>;
  readonly onRotated: () => Promise<void>;
  readonly onClose: () => void;
}) {
  const [overlap, setOverlap] = useState('86400');
  const [busy, setBusy] = useState(false);
  const [rotated, setRotated] = useState<SecurityTemplate>();

  const act = async () => {
    setBusy(true);
    try {
      setRotated(await props.rotate(Number(overlap)));
      await props.onRotated();
    } catch (error) {
      tell.failure('Could not rotate', error);
    }
    setBusy(false);
  };

  if (rotated !== undefined) {
    return (
      <div className={classes.body}>
        <p>This is the new identifier. Put it into your pages in place of the old one.</p>
        <Identifier text={rotated.id} label="Copy the new identifier" />
        <div className={classes.buttons}>
          <Button onClick={props.onClose}>Done</Button>
        </div>
      </div>
    );
  }
  return (
    <div className={classes.body}>
      <p>The template gets a new identifier. Keys that were fetched already stay valid until they expire.</p>
      <Radio.Group label="How long does the old identifier still work?" value={overlap} onChange={setOverlap}>
        <Stack gap="sm" mt="sm">
          {OVERLAPS.map(({ seconds, label, text }) => (
            <Radio key={seconds} value={String(seconds)} label={label} description={text} />
          ))}
        </Stack>
      </Radio.Group>
      <div className={classes.buttons}>
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button loading={busy} onClick={act}>
          Rotate identifier
        </Button>
      </div>
    </div>
  );
}
