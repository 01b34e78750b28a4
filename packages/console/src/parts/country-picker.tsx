// Countries by name, found by name or by code.
import { COUNTRIES } from '@latchkey/policy';
import { type ComboboxItem, MultiSelect, type OptionsFilter } from '@mantine/core';
import type { ReactNode } from 'react';

const NAMES = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });

/** The English name of an ISO 3166-1 alpha-2 code; the code itself when the browser knows none. */
function countryName(code: string): string {
  return NAMES.of(code) ?? code;
}

const OPTIONS: readonly ComboboxItem[] = COUNTRIES.map((code) => ({
  value: code,
  label: `${countryName(code)} (${code})`,
})).sort((a, b) => a.label.localeCompare(b.label, 'en'));

/** Without accents, so that "curacao" finds Curaçao. */
function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

const filter: OptionsFilter = ({ options, search, limit }) => {
  const words = plain(search.trim());
  const found = options.filter((option) => 'value' in option && plain(option.label).includes(words));
  // Whoever types a code means that country first.
  const rank = (option: (typeof found)[number]) =>
    'value' in option && String(option.value).toLowerCase() === words ? 0 : 1;
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, limit);
};

/** Edits a list of ISO 3166-1 alpha-2 codes. */
export function CountryPicker(props: {
  readonly label: string;
  readonly description: ReactNode;
  readonly placeholder: string;
  readonly value: string[];
  readonly onChange: (codes: string[]) => void;
  readonly error?: ReactNode;
}) {
  const { value, placeholder, ...rest } = props;
  return (
    <MultiSelect
      {...rest}
      value={value}
      placeholder={value.length === 0 ? placeholder : ''}
      data={OPTIONS}
      filter={filter}
      limit={300}
      searchable
      clearable
      hidePickedOptions
      clearButtonProps={{ 'aria-label': `Clear ${props.label}` }}
      nothingFoundMessage="No country has this name or code"
      maxDropdownHeight={260}
    />
  );
}
