// The groups of the editor: every field of a security template with words that help to fill it in.
import { parseOriginPattern, parseRange, parseTemplate, TEMPLATE_DEFAULTS } from '@latchkey/policy';
import { Button, Switch, Textarea, TextInput } from '@mantine/core';
import type { DraftKind } from '../draft.ts';
import { entryMessages, type SectionId } from '../faults.ts';
import { formatDuration, formatSize } from '../quantity.ts';
import { CountryPicker } from './country-picker.tsx';
import { EntryList } from './entry-list.tsx';
import { listField, numberField, useDraft } from './form-context.ts';
import { PermissionPicker } from './permission-picker.tsx';
import { DurationInput, LimitInput, SizeInput } from './quantity-input.tsx';
import { QuotaList } from './quota-list.tsx';
import { ScopeList } from './scope-list.tsx';
import classes from './sections.module.css';

interface SectionProps {
  readonly kind: DraftKind;
}

const UNLIMITED = 'Unlimited';
const FILE_SIZE_DEFAULT = `${formatSize(TEMPLATE_DEFAULTS.upload.max_file_size)} (default)`;
const VALIDITY_DEFAULT = `${formatDuration(TEMPLATE_DEFAULTS.key_validity.expiration_duration)} (default)`;
const VALIDITY_CHOICES: readonly number[] = [300, 1200, 3600, 28_800, 86_400];

/** What each group says about itself below its title. */
export const SECTION_LEADS: Readonly<Record<SectionId, Readonly<Record<DraftKind, string>>>> = {
  general: {
    template: 'How you will recognise it. Pages never see the name.',
    'secret-key': 'How you will recognise it. The name is not part of the secret.',
  },
  permissions: {
    template: 'What a page may do with a key of this template. Nothing is implied: what is not chosen is refused.',
    'secret-key': 'What the holder may do. Nothing is implied: what is not chosen is refused.',
  },
  upload: {
    template: 'How much may be uploaded with one key, and where. Counted exactly, in bytes that really arrive.',
    'secret-key': 'How much may be uploaded with this key, and where. Counted exactly, in bytes that really arrive.',
  },
  restrictions: {
    template: 'From where keys may be used. A refusal always wins over a permission.',
    'secret-key': 'From where the key may be used. A refusal always wins over a permission.',
  },
  validity: {
    template: 'How long a key lives after a page got it. Pages fetch a new one by themselves.',
    'secret-key': '',
  },
  listing: {
    template: 'Where everything except uploading is allowed: listing, reading, renaming, moving and deleting.',
    'secret-key': 'Where everything except uploading is allowed: listing, reading, renaming, moving and deleting.',
  },
  quotas: {
    template:
      'Further limits: so many files, bytes or calls, counted by whom or where you choose, in a time you choose.',
    'secret-key':
      'Further limits: so many files, bytes or calls, counted by whom or where you choose, in a time you choose.',
  },
  exchange: {
    template: 'How often one visitor may fetch a key. Shared by everybody behind one address.',
    'secret-key': '',
  },
};

function General({ kind }: SectionProps) {
  const form = useDraft();
  return (
    <div className={classes.stack}>
      <TextInput
        label="Name"
        placeholder={kind === 'template' ? 'Customer uploads' : 'Nightly import'}
        data-autofocus
        maxLength={300}
        autoComplete="off"
        {...form.getInputProps('name')}
      />
      <Textarea
        label="Description"
        placeholder={kind === 'template' ? 'Which page uses it, and who asks when it breaks' : 'Which program holds it'}
        autosize
        minRows={2}
        maxRows={6}
        {...form.getInputProps('description')}
      />
      <Switch
        label="Active"
        description={
          kind === 'template'
            ? 'An inactive template gives no key, and its live keys stop working at once.'
            : 'An inactive key is refused at once, and so are access keys made with it.'
        }
        {...form.getInputProps('active', { type: 'checkbox' })}
      />
    </div>
  );
}

function Permissions() {
  const form = useDraft();
  const { value, onChange, error } = listField(form, 'permissions');
  const entries = [...entryMessages('permissions', form.errors).values()].join(' ');
  return <PermissionPicker value={value} onChange={onChange} error={error ?? (entries || undefined)} />;
}

/** Judged by the rules themselves: an extension, a type, or a family of types. */
function isType(entry: string): boolean {
  return parseTemplate({ upload: { allowed_types: [entry] } }).ok;
}

const TYPE_SUGGESTIONS = [
  'image/*',
  'video/*',
  'audio/*',
  'application/pdf',
  'text/plain',
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/svg+xml',
  'application/zip',
  'csv',
  'docx',
  'xlsx',
  'psd',
];

function UploadLimits({ kind }: SectionProps) {
  const form = useDraft();
  const owner = kind === 'template' ? 'with one key' : 'with this key';
  return (
    <div className={classes.stack}>
      <ScopeList
        label="Folders for uploads"
        description="Uploading into a folder that does not exist yet makes it, if it lies in here."
        {...listField(form, 'upload.dir_scope')}
        messages={entryMessages('upload.dir_scope', form.errors)}
      />
      <div className={classes.pair}>
        <LimitInput
          label="Uploads per minute"
          description={`In any 60 seconds, ${owner}`}
          placeholder={UNLIMITED}
          unit="per minute"
          {...numberField(form, 'upload.limit_per_min')}
        />
        <LimitInput
          label="Uploads per address"
          description={`From one client address, ${owner}`}
          placeholder={UNLIMITED}
          unit="in total"
          {...numberField(form, 'upload.limit_per_ip_source')}
        />
        <LimitInput
          label="Uploads in total"
          description={`Over the whole life of the key`}
          placeholder={UNLIMITED}
          unit="in total"
          {...numberField(form, 'upload.max')}
        />
        <SizeInput
          label="Largest file"
          description="Larger files are cut off while they arrive"
          placeholder={FILE_SIZE_DEFAULT}
          {...numberField(form, 'upload.max_file_size')}
        />
        <SizeInput
          label="Bytes in total"
          description="Over the whole life of the key"
          placeholder={UNLIMITED}
          {...numberField(form, 'upload.max_total_size')}
        />
      </div>
      <EntryList
        label="Accepted types"
        description="Types such as image/png, families such as image/*, or extensions such as docx. Judged by what a file contains, not by its name. Empty accepts all."
        placeholder="All types"
        isReadable={isType}
        unreadable="write image/png, image/* or an extension."
        suggestions={TYPE_SUGGESTIONS}
        {...listField(form, 'upload.allowed_types')}
        messages={entryMessages('upload.allowed_types', form.errors)}
      />
    </div>
  );
}

const isRange = (entry: string) => parseRange(entry) !== undefined;
const isOrigin = (entry: string) => parseOriginPattern(entry) !== undefined;
const RANGE_FORMS = 'write an address, 10.0.0.0/8, 10.0.0.1-10.0.0.9 or 10.0.0.*.';

function Restrictions() {
  const form = useDraft();
  return (
    <div className={classes.stack}>
      <EntryList
        label="Allowed addresses"
        description="IPv4 and IPv6: an address, a CIDR block, a range a-b or 1.2.3.*. Empty allows everyone. Several can be pasted at once."
        placeholder="Everyone, or 203.0.113.0/24, 2001:db8::/32"
        isReadable={isRange}
        unreadable={RANGE_FORMS}
        {...listField(form, 'restrictions.whitelist_ip_ranges')}
        messages={entryMessages('restrictions.whitelist_ip_ranges', form.errors)}
      />
      <CountryPicker
        label="Allowed countries"
        description="Looked up by address. Where both lists are given, both must hold; an address without a known country is refused."
        placeholder="All countries"
        {...listField(form, 'restrictions.whitelist_countries')}
      />
      <EntryList
        label="Blocked addresses"
        description="Refused even when allowed above."
        placeholder="None"
        isReadable={isRange}
        unreadable={RANGE_FORMS}
        {...listField(form, 'restrictions.blocked_ip_ranges')}
        messages={entryMessages('restrictions.blocked_ip_ranges', form.errors)}
      />
      <CountryPicker
        label="Blocked countries"
        description="Refused even when allowed above."
        placeholder="None"
        {...listField(form, 'restrictions.blocked_countries')}
      />
      <EntryList
        label="Allowed web sites"
        description="Origins of the pages that may use the keys, such as https://app.example.com or https://*.example.com. Empty allows all. Browsers obey it; programs can pretend."
        placeholder="All origins"
        isReadable={isOrigin}
        unreadable="write https://app.example.com or https://*.example.com."
        {...listField(form, 'restrictions.allowed_origins')}
        messages={entryMessages('restrictions.allowed_origins', form.errors)}
      />
    </div>
  );
}

function Validity() {
  const form = useDraft();
  const current = form.values.key_validity.expiration_duration;
  return (
    <div className={classes.stack}>
      <div>
        <DurationInput
          label="Keys expire after"
          description="Requests must begin within this time. The shorter, the less a leaked key is worth."
          placeholder={VALIDITY_DEFAULT}
          {...numberField(form, 'key_validity.expiration_duration')}
        />
        <fieldset className={classes.choices} aria-label="Usual validities">
          {VALIDITY_CHOICES.map((seconds) => (
            <Button
              key={seconds}
              size="compact-xs"
              radius="xl"
              variant={current === seconds ? 'light' : 'default'}
              aria-pressed={current === seconds}
              onClick={() => form.setFieldValue('key_validity.expiration_duration', seconds)}
            >
              {formatDuration(seconds)}
            </Button>
          ))}
        </fieldset>
      </div>
      <DurationInput
        label="Uploads may finish after"
        description="An upload that began while the key was valid may take this long. Empty is the same time again."
        placeholder="Same as above"
        {...numberField(form, 'key_validity.finish_duration')}
      />
    </div>
  );
}

function ListingLimits() {
  const form = useDraft();
  return (
    <div className={classes.stack}>
      <ScopeList
        label="Folders for everything else"
        description="Folders above these are shown only as the way down, without their files."
        {...listField(form, 'listing.dir_scope')}
        messages={entryMessages('listing.dir_scope', form.errors)}
      />
      <div className={classes.pair}>
        <LimitInput
          label="Calls in total"
          description="Other than uploads, over the life of the key"
          placeholder={UNLIMITED}
          unit="calls"
          {...numberField(form, 'listing.max')}
        />
      </div>
    </div>
  );
}

function ExchangeLimit() {
  const form = useDraft();
  return (
    <div className={classes.pair}>
      <LimitInput
        label="Keys per minute and address"
        description="A page needs one key for its whole visit"
        placeholder={`${TEMPLATE_DEFAULTS.issue.limit_per_ip_per_min} (default)`}
        unit="per minute"
        {...numberField(form, 'issue.limit_per_ip_per_min')}
      />
    </div>
  );
}

const BODIES = {
  general: General,
  permissions: Permissions,
  upload: UploadLimits,
  restrictions: Restrictions,
  validity: Validity,
  listing: ListingLimits,
  quotas: QuotaList,
  exchange: ExchangeLimit,
} satisfies Record<SectionId, (props: SectionProps) => React.ReactNode>;

/** The fields of one group. */
export function SectionFields({ id, kind }: { readonly id: SectionId; readonly kind: DraftKind }) {
  const Body = BODIES[id];
  return <Body kind={kind} />;
}
