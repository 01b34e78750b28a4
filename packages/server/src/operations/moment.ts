// Points in time as people and programs write them: dates, times, timestamps and phrases such as "3 days ago".

/** What a text stands for, both ends included: a moment, or a whole day. */
export interface Moment {
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 86_400_000;
const UNITS_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
  year: 365 * DAY_MS,
};
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

/** The moment of a text in epoch milliseconds, days in UTC; undefined when it is none. */
export function parseMoment(text: string, nowMs: number): Moment | undefined {
  const said = text.trim().toLowerCase();
  if (/^\d{9,11}$/.test(said)) return at(Number(said) * 1000);
  if (/^\d{12,14}$/.test(said)) return at(Number(said));
  const day = /^(?:\d{4}-\d{2}-\d{2})$/.test(said);
  if (ISO.test(said)) {
    const hasZone = day || /(?:z|[+-]\d{2}:?\d{2})$/.test(said.slice(10));
    const ms = Date.parse(said.toUpperCase().replace(' ', 'T') + (hasZone ? '' : 'Z'));
    if (Number.isNaN(ms)) return undefined;
    return day ? dayOf(ms) : at(ms);
  }
  if (said === 'now') return at(nowMs);
  if (said === 'today') return dayOf(nowMs);
  if (said === 'yesterday') return dayOf(nowMs - DAY_MS);
  if (said === 'tomorrow') return dayOf(nowMs + DAY_MS);
  const ago = /^(?:(\d{1,6})|an?)\s+(second|minute|hour|day|week|month|year)s?\s+ago$/.exec(said);
  if (ago !== null) return at(nowMs - Number(ago[1] ?? 1) * (UNITS_MS[ago[2] ?? ''] ?? 0));
  return undefined;
}

function at(ms: number): Moment {
  return { from: ms, to: ms };
}

function dayOf(ms: number): Moment {
  const from = Math.floor(ms / DAY_MS) * DAY_MS;
  return { from, to: from + DAY_MS - 1 };
}
