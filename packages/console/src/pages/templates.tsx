// Settings / Developer / Security templates.
import { PRESETS } from '@latchkey/policy';
import type { SecurityTemplate } from '@latchkey/sdk';
import { Button, Group, Menu } from '@mantine/core';
import {
  IconArrowRight,
  IconCode,
  IconCopyPlus,
  IconEye,
  IconFolders,
  IconKeyOff,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlus,
  IconRefreshDot,
  IconShieldLock,
  IconTrash,
  IconUpload,
  IconWand,
} from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useSearch } from '@tanstack/react-router';
import { admin, type ListView, templateListQuery, templatesKey } from '../api.ts';
import { confirmFirst } from '../parts/confirm.tsx';
import { Identifier } from '../parts/identifier.tsx';
import { Moment } from '../parts/moment.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { glance } from '../parts/permission-picker.tsx';
import { nameOf, RecordList } from '../parts/record-list.tsx';
import { revokeKeys } from '../parts/revoke-dialog.tsx';
import { rotateIdentifier } from '../parts/rotate-dialog.tsx';
import { useSignedIn } from '../session.ts';
import { tell } from '../tell.ts';
import classes from './templates.module.css';

const NOUN = ['security template', 'security templates'] as const;

/** The list of security templates; the editor and the other dialogs open over it. */
export function TemplatesPage() {
  const { container } = useSignedIn();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { q = '', page = 1 } = useSearch({ from: '/shell/settings/developer/security-templates' });
  const view: ListView = { search: q, page };
  const list = useQuery(templateListQuery(container, view));
  const calls = admin.templates(container);
  const keys = admin.accessKeys(container);

  const refresh = () => queries.invalidateQueries({ queryKey: templatesKey(container) });
  const setActive = useMutation({
    mutationFn: ({ records, active }: { readonly records: readonly SecurityTemplate[]; readonly active: boolean }) => {
      const ids = records.map(({ uid }) => uid);
      return active ? calls.activate(ids) : calls.deactivate(ids);
    },
    onSuccess: (_, { records, active }) => {
      const [first] = records;
      const what = records.length === 1 && first !== undefined ? nameOf(first) : `${records.length} templates`;
      if (active) tell.done(`${what} activated`, 'Pages can fetch keys again.');
      else tell.done(`${what} deactivated`, 'No new keys, and live keys have stopped working.');
    },
    onError: (error) => tell.failure('Could not switch', error),
    onSettled: refresh,
  });

  const remove = (template: SecurityTemplate) =>
    void confirmFirst({
      title: `Delete “${nameOf(template)}”?`,
      body: (
        <>
          <p>This cannot be undone. With it end, at once:</p>
          <ul>
            <li>its identifier, so that pages that use it get no more keys;</li>
            <li>every key that was made from it, with uploads that are under way.</li>
          </ul>
          <p>Files and folders stay. To stop it only for a while, deactivate it instead.</p>
        </>
      ),
      confirm: 'Delete template',
      act: async () => {
        try {
          await calls.remove(template.uid);
          tell.done(`${nameOf(template)} deleted`);
          await refresh();
          return true;
        } catch (error) {
          tell.failure('Could not delete', error);
          return false;
        }
      },
    });

  const revoke = (template: SecurityTemplate) =>
    void confirmFirst({
      title: `Revoke the keys of “${nameOf(template)}”?`,
      body: (
        <>
          <p>Every key that was made from it until now ends at once, with uploads and downloads that are under way.</p>
          <p>
            Pages fetch new keys by themselves and go on. To keep them out, deactivate the template or rotate its
            identifier first.
          </p>
        </>
      ),
      confirm: 'Revoke keys',
      act: async () => {
        try {
          await keys.revoke({ template: template.uid });
          tell.done(`Keys of ${nameOf(template)} revoked`, 'New keys work.');
          return true;
        } catch (error) {
          tell.failure('Could not revoke', error);
          return false;
        }
      },
    });

  const to = (path: 'edit' | 'use', { uid }: SecurityTemplate) =>
    navigate({ to: `/settings/developer/security-templates/$uid/${path}`, params: { uid }, search: { q, page } });
  const setView = ({ search, page: next }: ListView) =>
    navigate({
      to: '/settings/developer/security-templates',
      search: { ...(search === '' ? {} : { q: search }), ...(next > 1 ? { page: next } : {}) },
      replace: true,
    });

  return (
    <>
      <PageHead
        trail={['Settings', 'Developer']}
        title="Security templates"
        lead="A template says what a page may do, where, how much and for how long. Pages know its public identifier and exchange it for keys that live for minutes."
        action={
          <Group gap="sm">
            <Button variant="default" leftSection={<IconKeyOff size={17} />} onClick={() => revokeKeys(keys.revoke)}>
              Revoke keys
            </Button>
            <Button
              component={Link}
              to="/settings/developer/security-templates/new"
              leftSection={<IconPlus size={17} />}
            >
              Add template
            </Button>
          </Group>
        }
      />
      <RecordList
        noun={NOUN}
        records={list.data?.items}
        total={list.data?.total ?? 0}
        busy={list.isFetching}
        error={list.error}
        onRetry={() => void list.refetch()}
        view={view}
        onView={setView}
        empty={<FirstTemplate />}
        onOpen={(template) => void to('edit', template)}
        onSwitch={(records, active) => setActive.mutate({ records, active })}
        columns={[
          {
            title: 'Name',
            cell: (template) => (
              <>
                <span className={classes.name}>{nameOf(template)}</span>
                {template.description === '' ? null : <span className={classes.about}>{template.description}</span>}
              </>
            ),
          },
          {
            title: 'Identifier',
            cell: ({ id, name }) => <Identifier text={id} label={`Copy identifier of ${nameOf({ name })}`} />,
          },
          { title: 'Permissions', cell: ({ permissions }) => <Glance permissions={permissions} /> },
          {
            title: 'Last updated',
            cell: ({ updated_at }) => (
              <span className={classes.when}>
                <Moment at={updated_at} />
              </span>
            ),
          },
        ]}
        menu={(template) => (
          <>
            <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => void to('edit', template)}>
              Edit
            </Menu.Item>
            <Menu.Item leftSection={<IconCode size={16} />} onClick={() => void to('use', template)}>
              Embed and try
            </Menu.Item>
            <Menu.Item
              leftSection={<IconCopyPlus size={16} />}
              onClick={() =>
                void navigate({
                  to: '/settings/developer/security-templates/new',
                  search: { from: template.uid },
                })
              }
            >
              Duplicate
            </Menu.Item>
            <Menu.Item
              leftSection={<IconRefreshDot size={16} />}
              onClick={() =>
                rotateIdentifier(nameOf(template), (seconds) => calls.rotate(template.uid, seconds), refresh)
              }
            >
              Rotate identifier
            </Menu.Item>
            <Menu.Item leftSection={<IconKeyOff size={16} />} onClick={() => revoke(template)}>
              Revoke its keys
            </Menu.Item>
            <Menu.Item
              leftSection={template.active ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
              onClick={() => setActive.mutate({ records: [template], active: !template.active })}
            >
              {template.active ? 'Deactivate' : 'Activate'}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item
              c="var(--mantine-color-error)"
              leftSection={<IconTrash size={16} />}
              onClick={() => remove(template)}
            >
              Delete
            </Menu.Item>
          </>
        )}
      />
      <Outlet />
    </>
  );
}

function Glance({ permissions }: { readonly permissions: readonly string[] }) {
  const { title, detail } = glance(permissions);
  return (
    <span className={classes.glance}>
      <span>{title}</span>
      <span className={classes.about}>{detail}</span>
    </span>
  );
}

const PRESET_ICONS = {
  'upload-only': IconUpload,
  browse: IconEye,
  'browse-and-upload': IconFolders,
  editor: IconPencil,
  everything: IconWand,
} as const;

/** The list's empty state: nobody has to learn the permissions to begin. */
function FirstTemplate() {
  return (
    <div className={classes.first}>
      <span className={classes.firstIcon}>
        <IconShieldLock size={28} stroke={1.6} aria-hidden />
      </span>
      <h2 className={classes.firstTitle}>Make your first security template</h2>
      <p className={classes.firstText}>
        Choose what your page is for. Everything can be changed before it is saved, and later.
      </p>
      <ul className={classes.presets}>
        {PRESETS.map(({ id, title, description }) => {
          const Icon = PRESET_ICONS[id];
          return (
            <li key={id}>
              <Link to="/settings/developer/security-templates/new" search={{ preset: id }} className={classes.preset}>
                <span className={classes.presetIcon}>
                  <Icon size={19} stroke={1.7} aria-hidden />
                </span>
                <span>
                  <span className={classes.presetTitle}>
                    {title}
                    <IconArrowRight size={15} aria-hidden />
                  </span>
                  <span className={classes.presetText}>{description}</span>
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
