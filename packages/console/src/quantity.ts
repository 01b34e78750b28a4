// Sizes and durations as people write and read them.

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  byte: 1,
  bytes: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of a text such as `500 MB`, `1.5 GiB` or `1048576`; undefined when it is not a size. MB is 1,000,000 bytes, MiB 1,048,576. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9][0-9\s_,']*(?:\.[0-9]+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = SIZE_UNITS[(match?.[2] ?? '').toLowerCase()];
  const amount = Number((match?.[1] ?? 'x').replaceAll(/[\s_,']/g, ''));
  if (match === null || unit === undefined || !Number.isFinite(amount)) return undefined;
  return Math.round(amount * unit);
}

const SIZE_STEPS: readonly (readonly [string, number])[] = [
  ['TB', 1e12],
  ['TiB', 2 ** 40],
  ['GB', 1e9],
  ['GiB', 2 ** 30],
  ['MB', 1e6],
  ['MiB', 2 ** 20],
  ['kB', 1e3],
  ['KiB', 2 ** 10],
];

/** The shortest text that means exactly this many bytes, such as `500 MB` or `64 MiB`; plain bytes when no unit fits. */
export function formatSize(sizeBytes: number): string {
  for (const [unit, factor] of SIZE_STEPS) {
    const amount = sizeBytes / factor;
    if (amount >= 1 && Number.isInteger(amount * 10)) return `${amount} ${unit}`;
  }
  return `${groupDigits(sizeBytes)} bytes`;
}

/** `1,234,567` */
export function groupDigits(value: number): string {
  return value.toLocaleString('en-US');
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  sec: 1,
  second: 1,
  seconds: 1,
  m: 60,
  min: 60,
  mins: 60,
  minute: 60,
  minutes: 60,
  h: 3600,
  hour: 3600,
  hours: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
};

/** Seconds of a text such as `20 min`, `1h 30m` or `1200`; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const compact = text.trim().toLowerCase();
  if (!/^(?:[0-9]+(?:\.[0-9]+)?\s*[a-z]*\s*)+$/.test(compact)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of compact.matchAll(/([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)/g)) {
    const factor = DURATION_UNITS[unit ?? ''];
    if (factor === undefined) return undefined;
    seconds += Number(amount) * factor;
  }
  return Math.round(seconds);
}

/** Seconds in words that mean exactly them: `20 min`, `1 h 30 min`, `2 days`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const days = Math.floor(seconds / 86_400);
  const parts = [
    days > 0 ? `${days} ${days === 1 ? 'day' : 'days'}` : '',
    unitPart(Math.floor((seconds % 86_400) / 3600), 'h'),
    unitPart(Math.floor((seconds % 3600) / 60), 'min'),
    unitPart(seconds % 60, 's'),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function unitPart(amount: number, unit: string): string {
  return amount > 0 ? `${amount} ${unit}` : '';
}

const AGE_UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago an ISO 8601 time was: `3 hours ago`, `just now`. */
export function formatAge(isoTime: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(isoTime)) / 1000;
  if (!Number.isFinite(seconds)) return '';
  const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  for (const [unit, length] of AGE_UNITS) {
    if (Math.abs(seconds) >= length) return words.format(-Math.round(seconds / length), unit);
  }
  return 'just now';
}

/** Date and time of an ISO 8601 time in the reader's own zone. */
export function formatMoment(isoTime: string): string {
  return new Date(isoTime).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
}
