// Tables as a spreadsheet program reads and writes them (RFC 4180), for tests that play one.

/** One row by the names of its columns. */
export type Row = Readonly<Record<string, string>>;

/** The rows below the header. */
export function readCsv(bytes: Buffer): readonly Row[] {
  const records: string[][] = [[]];
  for (const [, cell = '', end] of bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/g)) {
    records.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '') break;
    if (end !== ',') records.push([]);
  }
  const [header = [], ...rows] = records.filter((cells) => cells.length > 1 || cells[0] !== '');
  return rows.map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i] ?? ''])));
}

/** The table of rows that have the same columns. */
export function writeCsv(rows: readonly Row[]): Buffer {
  const line = (cells: readonly string[]) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',');
  return Buffer.from([Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))].map(line).join('\r\n'));
}
