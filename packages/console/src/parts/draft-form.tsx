// The editor of a security template or of a secret key's rights: sections, faults beside their fields, live warnings.

import type { Template } from '@latchkey/policy';
import { Alert, Badge, Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconAlertCircle, IconAlertTriangle } from '@tabler/icons-react';
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';
import type { Draft, DraftKind } from '../draft.ts';
import {
  type FieldMessages,
  faultsIn,
  faultsOf,
  fieldMessages,
  homeless,
  judge,
  SECTIONS,
  type SectionId,
} from '../faults.ts';
import classes from './draft-form.module.css';
import { DraftProvider, useDraftForm } from './form-context.ts';
import { SECTION_LEADS, SectionFields } from './sections.tsx';

/** Field faults that the service answered with. */
export type ServiceFaults = readonly { readonly field: string; readonly code: string; readonly message: string }[];

interface DraftFormProps {
  readonly kind: DraftKind;
  readonly initial: Draft;
  readonly submitLabel: string;
  readonly busy: boolean;
  /** Saves; answers the faults the service found, none when it was saved or failed for another reason. */
  readonly onSave: (judged: Template) => Promise<ServiceFaults>;
  readonly onCancel: () => void;
  readonly onDirtyChange: (dirty: boolean) => void;
}

/** Edits a draft. Nothing is sent before policy finds no fault; after the first attempt every change is judged again. */
export function DraftForm(props: DraftFormProps) {
  const { kind, onDirtyChange } = props;
  const attempted = useRef(false);
  const scroller = useRef<HTMLDivElement>(null);
  const form = useDraftForm({
    initialValues: props.initial,
    clearInputErrorOnChange: false,
    onValuesChange: (values) => {
      if (attempted.current) form.setErrors({ ...fieldMessages(faultsOf(values, kind)) });
    },
  });
  const judged = useMemo(() => judge(form.values, kind), [form.values, kind]);
  const warnings = judged.ok ? judged.warnings : [];
  const messages = form.errors as FieldMessages; // Only `fieldMessages` is ever set.
  const sections = SECTIONS.filter((section) => section.kinds.some((each) => each === kind));
  const faultCount = Object.keys(messages).length;
  const [active, goTo] = useActiveSection(scroller);

  const dirty = form.isDirty();
  useEffect(() => onDirtyChange(dirty), [dirty, onDirtyChange]);

  /** Shows messages and leads to the first of them. */
  const show = (found: FieldMessages) => {
    form.setErrors({ ...found });
    // The messages are in the page after the next paint.
    requestAnimationFrame(() => requestAnimationFrame(() => focusFirstFault(scroller.current)));
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (props.busy) return;
    attempted.current = true;
    if (!judged.ok) return show(fieldMessages(judged.faults));
    const refused = await props.onSave(judged.value);
    if (refused.length > 0) show(fieldMessages(refused));
  };

  return (
    <DraftProvider form={form}>
      <form className={classes.form} onSubmit={submit} noValidate>
        <div className={classes.rail}>
          <nav aria-label="Sections" className={classes.nav}>
            {sections.map((section) => {
              const faults = faultsIn(section, messages);
              return (
                <button
                  key={section.id}
                  type="button"
                  className={classes.link}
                  data-leads-to={section.id}
                  aria-current={active === section.id ? 'true' : undefined}
                  data-faulty={faults > 0 || undefined}
                  onClick={() => goTo(section.id)}
                >
                  {section.title}
                  {faults > 0 ? (
                    <Badge size="xs" circle color="red.8" aria-label={faults === 1 ? '1 fault' : `${faults} faults`}>
                      {faults}
                    </Badge>
                  ) : null}
                </button>
              );
            })}
          </nav>
          <Warnings warnings={warnings} />
        </div>
        <div ref={scroller} className={classes.scroller} tabIndex={-1}>
          {homeless(messages).map((message) => (
            <Alert
              key={message}
              color="red"
              variant="light"
              mb="md"
              icon={<IconAlertCircle />}
              tabIndex={-1}
              data-fault
            >
              {message}
            </Alert>
          ))}
          {sections.map((section) => (
            <section
              key={section.id}
              className={classes.section}
              data-section={section.id}
              aria-labelledby={`section-${section.id}`}
            >
              <h3 id={`section-${section.id}`} className={classes.heading} tabIndex={-1}>
                {section.title}
              </h3>
              <p className={classes.lead}>{SECTION_LEADS[section.id][kind]}</p>
              <SectionFields id={section.id} kind={kind} />
            </section>
          ))}
        </div>
        <footer className={classes.footer}>
          <div className={classes.status} role="status">
            {faultCount === 0 ? null : (
              <>
                <IconAlertCircle size={17} aria-hidden />
                {faultCount === 1 ? '1 field needs another look' : `${faultCount} fields need another look`}
              </>
            )}
          </div>
          <Button variant="default" onClick={props.onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={props.busy}>
            {props.submitLabel}
          </Button>
        </footer>
      </form>
    </DraftProvider>
  );
}

interface ShownWarning {
  readonly code: string;
  readonly field: string;
  readonly message: string;
}

/** Warnings do not hold anybody up: they stand beside the form, folded up where there is no room beside it. */
function Warnings({ warnings }: { readonly warnings: readonly ShownWarning[] }) {
  const narrow = useMediaQuery('(max-width: 48em)') ?? false;
  return (
    <div aria-live="polite" className={classes.warnings}>
      {warnings.length === 0 ? null : (
        <details className={classes.caution} open={!narrow}>
          <summary className={classes.cautionTitle}>
            <IconAlertTriangle size={16} aria-hidden />
            Worth a second look
            <span className={classes.cautionCount}>{warnings.length}</span>
          </summary>
          <ul>
            {warnings.map((warning) => (
              <li key={`${warning.code} ${warning.field}`}>{warning.message}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function focusFirstFault(root: HTMLElement | null): void {
  const first = root?.querySelector<HTMLElement>('[aria-invalid="true"], [data-fault], button[data-invalid]');
  if (root === null || first === null || first === undefined) return;
  first.focus({ preventScroll: true });
  scrollWithin(root, first, root.clientHeight / 3);
}

/** Scrolls only `root`: `scrollIntoView` would also move the dialog around it. */
function scrollWithin(root: HTMLElement, target: HTMLElement, gap: number): void {
  root.scrollTop += target.getBoundingClientRect().top - root.getBoundingClientRect().top - gap;
}

/** The section that is being read, and the way to another one. */
function useActiveSection(scroller: React.RefObject<HTMLDivElement | null>): [SectionId, (id: SectionId) => void] {
  const [active, setActive] = useState<SectionId>('general');
  useEffect(() => {
    // Where the rail is a row, its current entry may be out of sight.
    const link = scroller.current?.closest('form')?.querySelector<HTMLElement>(`[data-leads-to="${active}"]`);
    const row = link?.parentElement;
    if (link && row) row.scrollLeft = link.offsetLeft - row.offsetLeft - 12;
  }, [active, scroller]);
  useEffect(() => {
    const root = scroller.current;
    if (root === null) return;
    const read = () => {
      const sections = [...root.querySelectorAll<HTMLElement>('[data-section]')];
      const line = root.getBoundingClientRect().top + 96;
      const atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 4 && root.scrollTop > 0;
      const passed = sections.filter((section) => section.getBoundingClientRect().top <= line);
      const current = atEnd ? sections.at(-1) : (passed.at(-1) ?? sections[0]);
      const id = SECTIONS.find((section) => section.id === current?.dataset['section'])?.id;
      if (id !== undefined) setActive(id);
    };
    root.addEventListener('scroll', read, { passive: true });
    return () => root.removeEventListener('scroll', read);
  }, [scroller]);

  const goTo = (id: SectionId) => {
    const root = scroller.current;
    const section = root?.querySelector<HTMLElement>(`[data-section="${id}"]`);
    if (root === null || section === null || section === undefined) return;
    section.querySelector<HTMLElement>('h3')?.focus({ preventScroll: true });
    scrollWithin(root, section, 0);
    setActive(id);
  };
  return [active, goTo];
}
