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
  /** Runs while the dialog waits; the dialog stays when it resolves to false. */
  readonly act?: () => Promise<boolean>;
}

/** Asks in a dialog; the safe answer has the focus. Resolves to true when it was confirmed and done. */
export function confirmFirst(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    let confirmed = false;
    const id = modals.open({
      title: question.title,
      centered: true,
      closeButtonProps: { 'aria-label': 'Close' },
      onClose: () => resolve(confirmed),
      children: (
        <Answer
          question={question}
          onDone={(yes) => {
            confirmed = yes;
            modals.close(id);
          }}
        />
      ),
    });
  });
}

function Answer({ question, onDone }: { readonly question: Question; readonly onDone: (confirmed: boolean) => void }) {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    const done = (await question.act?.()) ?? true;
    setBusy(false);
    if (done) onDone(true);
  };
  return (
    <div className={classes.body}>
      {question.body}
      <div className={classes.buttons}>
        <Button variant="default" onClick={() => onDone(false)} data-autofocus>
          {question.cancel ?? 'Cancel'}
        </Button>
        <Button color="red.8" loading={busy} onClick={act}>
          {question.confirm}
        </Button>
      </div>
    </div>
  );
}
