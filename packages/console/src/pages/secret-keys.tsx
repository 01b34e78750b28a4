// Settings / Developer / Secret keys.
import type { SecretKey } from '@latchkey/sdk';
import { Button, Menu } from '@mantine/core';
import { IconKey, IconPencil, IconPlayerPause, IconPlayerPlay, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useSearch } from '@tanstack/react-router';
import { admin, type ListView, secretKeyListQuery, secretKeysKey } from '../api.ts';
import { confirmFirst } from '../parts/confirm.tsx';
import { Moment } from '../parts/moment.tsx';
import notice from '../parts/notice.module.css';
import { PageHead } from '../parts/page-head.tsx';
import { glance } from '../parts/permission-picker.tsx';
import { nameOf, RecordList } from '../parts/record-list.tsx';
import { useSignedIn } from '../session.ts';
import { tell } from '../tell.ts';
import classes from './templates.module.css';

const NOUN = ['secret key', 'secret keys'] as const;

/** The list of secret keys; the editor opens over it. */
export function SecretKeysPage() {
  const { container } = useSignedIn();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { q = '', page = 1 } = useSearch({ from: '/shell/settings/developer/secret-keys' });
  const view: ListView = { search: q, page };
  const list = useQuery(secretKeyListQuery(container, view));
  const calls = admin.secretKeys(container);

  const refresh = () => queries.invalidateQueries({ queryKey: secretKeysKey(container) });
  const setActive = useMutation({
    mutationFn: ({ records, active }: { readonly records: readonly SecretKey[]; readonly active: boolean }) => {
      const ids = records.map(({ id }) => id);
      return active ? calls.activate(ids) : calls.deactivate(ids);
    },
    onSuccess: (_, { records, active }) => {
      const [first] = records;
      const what = records.length === 1 && first !== undefined ? nameOf(first) : `${records.length} secret keys`;
      if (active) tell.done(`${what} activated`);
      else tell.done(`${what} deactivated`, 'Programs that use it are refused from now on.');
    },
    onError: (error) => tell.failure('Could not switch', error),
    onSettled: refresh,
  });

  const remove = (key: SecretKey) =>
    void confirmFirst({
      title: `Delete “${nameOf(key)}”?`,
      body: (
        <>
          <p>This cannot be undone. With it end, at once:</p>
          <ul>
            <li>every program that uses {key.prefix}…;</li>
            <li>every access key that was made with it, with uploads that are under way.</li>
          </ul>
          <p>To stop it only for a while, deactivate it instead.</p>
        </>
      ),
      confirm: 'Delete secret key',
      act: async () => {
        try {
          await calls.remove(key.id);
          tell.done(`${nameOf(key)} deleted`);
          await refresh();
          return true;
        } catch (error) {
          tell.failure('Could not delete', error);
          return false;
        }
      },
    });

  const edit = ({ id }: SecretKey) =>
    navigate({ to: '/settings/developer/secret-keys/$id/edit', params: { id }, search: { q, page } });
  const add = (
    <Button component={Link} to="/settings/developer/secret-keys/new" leftSection={<IconPlus size={17} />}>
      Add secret key
    </Button>
  );

  return (
    <>
      <PageHead
        trail={['Settings', 'Developer']}
        title="Secret keys"
        lead="For programs on your own servers. A secret key lives until you switch it off, so it must never reach a browser: pages get their keys from security templates."
        action={add}
      />
      <RecordList
        noun={NOUN}
        records={list.data?.items}
        total={list.data?.total ?? 0}
        busy={list.isFetching}
        error={list.error}
        onRetry={() => void list.refetch()}
        view={view}
        onView={({ search, page: next }) =>
          navigate({
            to: '/settings/developer/secret-keys',
            search: { ...(search === '' ? {} : { q: search }), ...(next > 1 ? { page: next } : {}) },
            replace: true,
          })
        }
        empty={
          <div className={notice.notice}>
            <span className={notice.icon}>
              <IconKey size={26} stroke={1.6} aria-hidden />
            </span>
            <h2 className={notice.title}>No secret keys yet</h2>
            <p className={notice.text}>
              Make one for a program that imports files, manages templates or makes access keys of its own. It is shown
              once, when it is made.
            </p>
          </div>
        }
        onOpen={(key) => void edit(key)}
        onSwitch={(records, active) => setActive.mutate({ records, active })}
        columns={[
          {
            title: 'Name',
            cell: (key) => (
              <>
                <span className={classes.name}>{nameOf(key)}</span>
                {key.description === '' ? null : <span className={classes.about}>{key.description}</span>}
              </>
            ),
          },
          { title: 'Begins with', cell: ({ prefix }) => <code>{prefix}…</code> },
          {
            title: 'Permissions',
            cell: ({ permissions }) => {
              const { title, detail } = glance(permissions);
              return (
                <span className={classes.glance}>
                  <span>{title}</span>
                  <span className={classes.about}>{detail}</span>
                </span>
              );
            },
          },
          {
            title: 'Last used',
            cell: ({ last_used_at }) => (
              <span className={classes.when}>{last_used_at === null ? 'Never' : <Moment at={last_used_at} />}</span>
            ),
          },
        ]}
        menu={(key) => (
          <>
            <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => void edit(key)}>
              Edit
            </Menu.Item>
            <Menu.Item
              leftSection={key.active ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
              onClick={() => setActive.mutate({ records: [key], active: !key.active })}
            >
              {key.active ? 'Deactivate' : 'Activate'}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item c="var(--mantine-color-error)" leftSection={<IconTrash size={16} />} onClick={() => remove(key)}>
              Delete
            </Menu.Item>
          </>
        )}
      />
      <Outlet />
    </>
  );
}
