// The Security Template dialog: a new template, a copy of one, or an existing one.
import { PRESETS, type Template } from '@latchkey/policy';
import { LatchkeyError, type SecurityTemplate } from '@latchkey/sdk';
import { Loader } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { admin, templateQuery, templatesKey } from '../api.ts';
import { type Draft, emptyDraft, toDraft } from '../draft.ts';
import { DraftForm } from '../parts/draft-form.tsx';
import { EditorDialog } from '../parts/editor-dialog.tsx';
import { Failure } from '../parts/failure.tsx';
import { nameOf } from '../parts/record-list.tsx';
import { useSignedIn } from '../session.ts';
import { tell } from '../tell.ts';

/** `/new`: empty, from a preset, or as a copy of another template. */
export function NewTemplate() {
  const { container } = useSignedIn();
  const { preset, from } = useSearch({ from: '/shell/settings/developer/security-templates/new' });
  const source = useQuery({ ...templateQuery(container, from ?? ''), enabled: from !== undefined });
  if (from !== undefined) {
    if (source.data === undefined) return <Waiting title="Duplicate template" error={source.error} />;
    const copy = toDraft(source.data);
    return <Editor title={`Duplicate of ${nameOf(source.data)}`} initial={{ ...copy, name: `${copy.name} (copy)` }} />;
  }
  const permissions = PRESETS.find(({ id }) => id === preset)?.permissions ?? [];
  return <Editor title="New security template" initial={{ ...emptyDraft(), permissions: [...permissions] }} />;
}

/** `/$uid/edit` */
export function EditTemplate() {
  const { container } = useSignedIn();
  const { uid } = useParams({ from: '/shell/settings/developer/security-templates/$uid/edit' });
  const template = useQuery({ ...templateQuery(container, uid), staleTime: 0, refetchOnWindowFocus: false });
  if (template.data === undefined || !template.isFetchedAfterMount)
    return <Waiting title="Edit template" error={template.error} />;
  return <Editor title={`Edit ${nameOf(template.data)}`} initial={toDraft(template.data)} stored={template.data} />;
}

function useClose() {
  const navigate = useNavigate();
  return () => void navigate({ to: '/settings/developer/security-templates' });
}

function Waiting({ title, error }: { readonly title: string; readonly error: unknown }) {
  const close = useClose();
  return (
    <EditorDialog title={title} onClose={close}>
      {() =>
        error === null ? (
          <Loader m="auto" aria-label="Loading" />
        ) : (
          <Failure title="The template could not be loaded" error={error} />
        )
      }
    </EditorDialog>
  );
}

function Editor(props: { readonly title: string; readonly initial: Draft; readonly stored?: SecurityTemplate }) {
  // As it was when the editor opened: what is loaded later must not pass for what was edited.
  const [stored] = useState(props.stored);
  const { container } = useSignedIn();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const close = useClose();
  const save = useMutation({
    mutationFn: async ({ document }: Template) => {
      const calls = admin.templates(container);
      if (stored === undefined) return (await calls.create(document)).record;
      // The revision makes the service refuse when somebody else saved in the meantime.
      const change = { ...document, revision: stored.revision };
      return (await calls.replace(stored.uid, change)).record;
    },
    onSuccess: () => void queries.invalidateQueries({ queryKey: templatesKey(container) }),
  });

  return (
    <EditorDialog title={props.title} onClose={close}>
      {(dialog) => (
        <DraftForm
          kind="template"
          initial={props.initial}
          submitLabel={stored === undefined ? 'Create template' : 'Save changes'}
          busy={save.isPending}
          onCancel={close}
          onDirtyChange={dialog.setDirty}
          onSave={async (judged) => {
            try {
              const record = await save.mutateAsync(judged);
              dialog.setDirty(false);
              tell.done(stored === undefined ? `${nameOf(record)} created` : `${nameOf(record)} saved`);
              await navigate({ to: '/settings/developer/security-templates/$uid/use', params: { uid: record.uid } });
              return [];
            } catch (error) {
              if (error instanceof LatchkeyError && error.code === 'REQUEST_INVALID' && error.faults.length > 0)
                return error.faults;
              if (error instanceof LatchkeyError && error.code === 'VERSION_MISMATCH') {
                tell.problem(
                  'Somebody else saved this template',
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
