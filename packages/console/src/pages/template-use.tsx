// The panel after saving: how to put a template into a page, and what a key of it can do.
import { Drawer, Loader, Tabs } from '@mantine/core';
import { IconCode, IconFlask } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { templateQuery } from '../api.ts';
import { Caution } from '../parts/caution.tsx';
import { CodeBlock } from '../parts/code-block.tsx';
import { Failure } from '../parts/failure.tsx';
import { Identifier } from '../parts/identifier.tsx';
import { nameOf } from '../parts/record-list.tsx';
import { TryKey } from '../parts/try-key.tsx';
import { useSignedIn } from '../session.ts';
import { snippets } from '../snippets.ts';
import classes from './template-use.module.css';

/** `/$uid/use` */
export function UseTemplate() {
  const { container } = useSignedIn();
  const navigate = useNavigate();
  const { uid } = useParams({ from: '/shell/settings/developer/security-templates/$uid/use' });
  const { data: template, error } = useQuery(templateQuery(container, uid));

  return (
    <Drawer
      opened
      position="right"
      size={720}
      onClose={() => void navigate({ to: '/settings/developer/security-templates' })}
      title={template === undefined ? 'Security template' : nameOf(template)}
      closeButtonProps={{ 'aria-label': 'Close' }}
      classNames={{ title: classes.title, body: classes.body }}
    >
      {template === undefined ? (
        error === null ? (
          <Loader aria-label="Loading" />
        ) : (
          <Failure title="The template could not be loaded" error={error} />
        )
      ) : (
        <>
          <dl className={classes.facts}>
            <dt>Identifier</dt>
            <dd>
              <Identifier text={template.id} label="Copy identifier" />
            </dd>
            <dt>Container</dt>
            <dd>{container}</dd>
          </dl>
          {template.active ? null : (
            <Caution title="This template is not active">It gives no keys until you activate it.</Caution>
          )}
          <Tabs defaultValue="embed" keepMounted={false}>
            <Tabs.List mb="lg">
              <Tabs.Tab value="embed" leftSection={<IconCode size={16} />}>
                Embed
              </Tabs.Tab>
              <Tabs.Tab value="try" leftSection={<IconFlask size={16} />}>
                Try this key
              </Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="embed">
              <p className={classes.lead}>
                The identifier is public: it may stand in the source of a page. What it can do is bounded by the
                template.
              </p>
              {snippets({ endpoint: window.location.origin, container, template: template.id }).map((snippet) => (
                <section key={snippet.id} className={classes.snippet}>
                  <h3>{snippet.title}</h3>
                  <p>{snippet.about}</p>
                  <CodeBlock code={snippet.code} label={`${snippet.title} snippet`} />
                </section>
              ))}
            </Tabs.Panel>
            <Tabs.Panel value="try">
              <TryKey
                container={container}
                template={template.id}
                active={template.active}
                validitySeconds={template.key_validity.expiration_duration}
              />
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </Drawer>
  );
}
