// Fields for amounts: a limit that may be left open, a size in bytes, a time in seconds.
import { NumberInput, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NumberDraft } from '../draft.ts';
import { formatDuration, formatSize, groupDigits, parseDuration, parseSize } from '../quantity.ts';
import classes from './quantity-input.module.css';

interface FieldProps {
  readonly label: string;
  readonly description: ReactNode;
  readonly value: NumberDraft;
  readonly onChange: (value: NumberDraft) => void;
  readonly error?: ReactNode;
  /** What an empty field means. */
  readonly placeholder: string;
  readonly required?: boolean;
}

/** A count that is unlimited (or the default) when empty. */
export function LimitInput({ unit, ...props }: FieldProps & { readonly unit?: string }) {
  return (
    <NumberInput
      {...props}
      hideControls
      thousandSeparator=","
      inputWrapperOrder={['label', 'description', 'input', 'error']}
      rightSection={unit === undefined ? undefined : <span className={classes.unit}>{unit}</span>}
      rightSectionWidth={unit === undefined ? undefined : 96}
      rightSectionPointerEvents="none"
    />
  );
}

interface Unit {
  readonly parse: (text: string) => number | undefined;
  readonly format: (amount: number) => string;
  /** The amount in its plain unit, shown beside what was typed. */
  readonly exact: (amount: number) => string;
}

const SIZE: Unit = { parse: parseSize, format: formatSize, exact: (bytes) => `${groupDigits(bytes)} bytes` };
const DURATION: Unit = {
  parse: parseDuration,
  format: formatDuration,
  exact: (seconds) => `${groupDigits(seconds)} s`,
};

function QuantityInput({ unit, value, onChange, ...props }: FieldProps & { readonly unit: Unit }) {
  const formatted = typeof value === 'number' ? unit.format(value) : value;
  // While somebody types, what they typed stays; leaving the field shows how it was understood.
  const [typed, setTyped] = useState<string>();
  const type = (text: string) => {
    setTyped(text);
    onChange(text.trim() === '' ? '' : (unit.parse(text) ?? text));
  };
  const exact = typeof value === 'number' ? unit.exact(value) : '';
  return (
    <TextInput
      {...props}
      value={typed ?? formatted}
      onChange={(event) => type(event.currentTarget.value)}
      onBlur={() => setTyped(undefined)}
      inputWrapperOrder={['label', 'description', 'input', 'error']}
      rightSection={exact === '' || exact === formatted ? undefined : <span className={classes.unit}>= {exact}</span>}
      rightSectionWidth={150}
      rightSectionPointerEvents="none"
      autoComplete="off"
      spellCheck={false}
    />
  );
}

/** A number of bytes, written as `500 MB` or `1.5 GiB`. */
export function SizeInput(props: FieldProps) {
  return <QuantityInput {...props} unit={SIZE} />;
}

/** A number of seconds, written as `20 min` or `1 h 30 min`. */
export function DurationInput(props: FieldProps) {
  return <QuantityInput {...props} unit={DURATION} />;
}
