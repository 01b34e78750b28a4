// The secret key dialog: rights, and the secret itself exactly once.
import { secretKeyDocument, type Template } from '@latchkey/policy';
import { LatchkeyError, type SecretKey } from '@latchkey/sdk';
import { Button, Loader, Modal } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { admin, secretKeyQuery, secretKeysKey } from '../api.ts';
import { copyText } from '../clipboard.ts';
import { type Draft, emptyDraft, toDraft } from '../draft.ts';
import { Caution } from '../parts/caution.tsx';
import { DraftForm } from '../parts/draft-form.tsx';
import { EditorDialog } from '../parts/editor-dialog.tsx';
import { Failure } from '../parts/failure.tsx';
import { nameOf } from '../parts/record-list.tsx';
import { useSignedIn } from '../session.ts';
import { tell } from '../tell.ts';
import classes from './secret-key-editor.module.css';

/** `/new` */
export function NewSecretKey() {
  const [made, setMade] = useState<{ readonly name: string; readonly secret: string }>();
  const close = useClose();
  if (made !== undefined) return <ShownOnce name={made.name} secret={made.secret} onClose={close} />;
  return <Editor title="New secret key" initial={emptyDraft()} onMade={setMade} />;
}

/** `/$id/edit` */
export function EditSecretKey() {
  const { container } = useSignedIn();
  const close = useClose();
  const { id } = useParams({ from: '/shell/settings/developer/secret-keys/$id/edit' });
  const key = useQuery({ ...secretKeyQuery(container, id), staleTime: 0, refetchOnWindowFocus: false });
  if (key.data !== undefined && key.isFetchedAfterMount) {
    return <Editor title={`Edit ${nameOf(key.data)}`} initial={toDraft(key.data)} stored={key.data} />;
  }
  return (
    <EditorDialog title="Edit secret key" onClose={close}>
      {() =>
        key.error === null ? (
          <Loader m="auto" aria-label="Loading" />
        ) : (
          <Failure title="The secret key could not be loaded" error={key.error} />
        )
      }
    </EditorDialog>
  );
}

function useClose() {
  const navigate = useNavigate();
  return () => void navigate({ to: '/settings/developer/secret-keys' });
}

function Editor(props: {
  readonly title: string;
  readonly initial: Draft;
  readonly stored?: SecretKey;
  readonly onMade?: (made: { readonly name: string; readonly secret: string }) => void;
}) {
  // As it was when the editor opened: what is loaded later must not pass for what was edited.
  const [stored] = useState(props.stored);
  const { container } = useSignedIn();
  const queries = useQueryClient();
  const close = useClose();
  const save = useMutation({
    mutationFn: async (rights: Template) => {
      const calls = admin.secretKeys(container);
      const document = secretKeyDocument(rights);
      if (stored === undefined) {
        const { record, secret } = await calls.create(document);
        props.onMade?.({ name: nameOf(record), secret });
        return record;
      }
      // The revision makes the service refuse when somebody else saved in the meantime.
      const change = { ...document, revision: stored.revision };
      return (await calls.replace(stored.id, change)).record;
    },
    onSuccess: () => void queries.invalidateQueries({ queryKey: secretKeysKey(container) }),
  });

  return (
    <EditorDialog title={props.title} onClose={close}>
      {(dialog) => (
        <DraftForm
          kind="secret-key"
          initial={props.initial}
          submitLabel={stored === undefined ? 'Create secret key' : 'Save changes'}
          busy={save.isPending}
          onCancel={close}
          onDirtyChange={dialog.setDirty}
          onSave={async (judged) => {
            try {
              const record = await save.mutateAsync(judged);
              dialog.setDirty(false);
              if (stored !== undefined) {
                tell.done(`${nameOf(record)} saved`);
                close();
              }
              return [];
            } catch (error) {
              if (error instanceof LatchkeyError && error.code === 'REQUEST_INVALID' && error.faults.length > 0)
                return error.faults;
              if (error instanceof LatchkeyError && error.code === 'VERSION_MISMATCH') {
                tell.problem(
                  'Somebody else saved this key',
                  'Close this dialog and open it again to see what changed.',
                );
              } else tell.failure('Could not save', error);
              return [];
            }
          }}
        />
      )}
    </EditorDialog>
  );
}

/** The only moment in which the secret can be read: it is not closed by accident. */
function ShownOnce(props: { readonly name: string; readonly secret: string; readonly onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const done = await copyText(props.secret);
    setCopied(done);
    if (!done) tell.problem('Could not copy', 'Select the text and copy it by hand.');
  };
  return (
    <Modal
      opened
      centered
      size="lg"
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      onClose={props.onClose}
      title={`Secret of “${props.name}”`}
    >
      <Caution title="Shown this once">
        Only a fingerprint of it is stored. Put it into your secret store now; if it is lost, make a new key.
      </Caution>
      <code className={classes.secret}>{props.secret}</code>
      <div className={classes.buttons}>
        <Button variant={copied ? 'light' : 'filled'} onClick={copy} data-autofocus>
          {copied ? 'Copied' : 'Copy secret'}
        </Button>
        <Button variant="default" onClick={props.onClose}>
          I have stored it
        </Button>
      </div>
    </Modal>
  );
}
