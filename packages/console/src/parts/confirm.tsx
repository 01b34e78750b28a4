// Questions before something that cannot be undone.
import { Button } from '@mantine/core';
import { modals } from '@mantine/modals';
import { type ReactNode, useState } from 'react';
import classes from './confirm.module.css';

interface Question {
  readonly title: string;
  readonly body: ReactNode;
  readonly confirm: string;
  readonly cancel?: string;
  /** Runs while the dialog waits; the dialog closes when it resolves to true. */
  readonly act: () => Promise<boolean>;
}

/** Asks in a dialog; the safe answer has the focus. */
export function confirmFirst(question: Question): void {
  const id = modals.open({
    title: question.title,
    centered: true,
    closeButtonProps: { 'aria-label': 'Close' },
    children: <Answer question={question} onDone={() => modals.close(id)} />,
  });
}

function Answer({ question, onDone }: { readonly question: Question; readonly onDone: () => void }) {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    const done = await question.act();
    setBusy(false);
    if (done) onDone();
  };
  return (
    <div className={classes.body}>
      {question.body}
      <div className={classes.buttons}>
        <Button variant="default" onClick={onDone} data-autofocus>
          {question.cancel ?? 'Cancel'}
        </Button>
        <Button color="red.8" loading={busy} onClick={act}>
          {question.confirm}
        </Button>
      </div>
    </div>
  );
}
