// Lists of short texts - ranges, origins, types - where each entry is judged as soon as it is there.
import { Pill, TagsInput } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './entry-list.module.css';

const SEPARATORS = [',', ';', ' ', '\n', '\t'];

/** Entries of a text that was typed or pasted as one. */
function split(text: string): string[] {
  return text.split(/[\s,;]+/).filter((entry) => entry !== '');
}

/** Edits a list; several entries can be pasted at once. `isReadable` marks entries that mean nothing while they are typed. */
export function EntryList(props: {
  readonly label: string;
  readonly description: ReactNode;
  readonly placeholder: string;
  readonly value: string[];
  readonly onChange: (entries: string[]) => void;
  readonly error?: ReactNode;
  readonly messages: ReadonlyMap<number, string>;
  readonly isReadable: (entry: string) => boolean;
  /** Said of an entry that is not readable, before the list was judged as a whole. */
  readonly unreadable: string;
  readonly suggestions?: string[];
}) {
  const { value, messages } = props;
  const problems = new Map<string, string>();
  value.forEach((entry, index) => {
    const said = messages.get(index) ?? (props.isReadable(entry) ? undefined : props.unreadable);
    if (said !== undefined) problems.set(entry, said);
  });
  const lines = [...problems].map(([entry, said]) => `“${entry}”: ${said}`);

  return (
    <TagsInput
      label={props.label}
      description={props.description}
      placeholder={value.length === 0 ? props.placeholder : ''}
      value={value}
      onChange={(entries) => props.onChange([...new Set(entries.flatMap(split))])}
      data={props.suggestions ?? []}
      splitChars={SEPARATORS}
      openOnFocus={props.suggestions !== undefined}
      clearable
      clearButtonProps={{ 'aria-label': `Clear ${props.label}` }}
      error={
        props.error || lines.length > 0 ? (
          <>
            {props.error}
            {lines.map((line) => (
              <span key={line} className={classes.line}>
                {line}
              </span>
            ))}
          </>
        ) : undefined
      }
      renderPill={({ option, onRemove }) => {
        const text = String(option.value);
        return (
          <Pill
            className={classes.pill}
            withRemoveButton
            onRemove={onRemove ?? (() => undefined)}
            removeButtonProps={{ 'aria-label': `Remove ${text}`, 'aria-hidden': false, tabIndex: 0 }}
            data-faulty={problems.has(text) || undefined}
          >
            {text}
          </Pill>
        );
      }}
    />
  );
}
