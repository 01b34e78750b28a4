// Sizes and durations: what people write is understood as they meant it, and shown as it was understood.
import { describe, expect, test } from 'vitest';
import { formatAge, formatDuration, formatSize, parseDuration, parseSize } from '../src/quantity.ts';

describe('a size is read', () => {
  test.each([
    ['500 MB', 500_000_000, 'MB is a million bytes'],
    ['500mb', 500_000_000, 'case and space do not matter'],
    ['64 MiB', 67_108_864, 'MiB is 1024 squared'],
    ['1.5 GiB', 1_610_612_736, 'fractions of a unit'],
    ['1048576', 1_048_576, 'a bare number is bytes'],
    ['1,048,576 bytes', 1_048_576, 'grouped digits'],
    ['0', 0, 'zero is a number'],
  ])('%s as %i: %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', 'huge', '5 parsecs', '-1', '1e9', 'MB', '1..5 MB'])('never from %j', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

test.each([0, 1, 999, 1000, 1024, 1_500_000, 500_000_000, 67_108_864, 1_610_612_736, 123_456_789])(
  'the text shown for %i bytes means exactly them',
  (bytes) => {
    expect(parseSize(formatSize(bytes))).toBe(bytes);
  },
);

describe('a duration is read', () => {
  test.each([
    ['1200', 1200],
    ['20 min', 1200],
    ['1h 30m', 5400],
    ['1 h 30 min', 5400],
    ['1.5 hours', 5400],
    ['2 days', 172_800],
    ['45s', 45],
  ])('%s as %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  test.each(['', 'soon', '20 parsecs', '-5', 'min', '5 min ago'])('never from %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

test.each([0, 1, 59, 60, 61, 1200, 3600, 5400, 86_399, 86_400, 90_061, 2_592_000])(
  'the text shown for %i seconds means exactly them',
  (seconds) => {
    expect(parseDuration(formatDuration(seconds))).toBe(seconds);
  },
);

test.each([
  [0, 'just now'],
  [59_000, 'just now'],
  [60_000, '1 minute ago'],
  [3 * 3_600_000, '3 hours ago'],
  [86_400_000, 'yesterday'],
])('%i ms ago reads as %j', (age, words) => {
  const nowMs = Date.parse('2026-03-04T12:00:00Z');
  expect(formatAge(new Date(nowMs - age).toISOString(), nowMs)).toBe(words);
});
