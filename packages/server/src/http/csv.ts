// Tables as CSV (RFC 4180), written so that spreadsheets read them right and run nothing, and read as spreadsheets write them.
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify';
import type { FastifyReply } from 'fastify';
import { AppError } from '../errors.ts';

/**
 * Cells that a spreadsheet would take for a formula begin with an apostrophe, which it shows as text; `unguarded` takes it away
 * again. Plain numbers stay numbers.
 */
export function guarded(cell: string): string {
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

/** The cell as it was before `guarded`. */
export function unguarded(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell.slice(1)) && !NUMBER.test(cell.slice(1)) ? cell.slice(1) : cell;
}

/** What spreadsheets evaluate, the wide forms of East Asian input among it, however many apostrophes stand before. */
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;

/** Sends a table as it is made: UTF-8 with a mark that tells spreadsheets so, lines ended by CR LF. */
export async function sendCsv(
  reply: FastifyReply,
  name: string,
  header: readonly string[],
  rows: Iterable<readonly string[]>,
): Promise<undefined> {
  await reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'private, no-store')
    .header('x-content-type-options', 'nosniff')
    .send(csvOf(header, rows));
  return undefined;
}

/** The same as a stream. */
export function csvOf(header: readonly string[], rows: Iterable<readonly string[]>): Readable {
  function* lines() {
    yield header.map(guarded);
    for (const row of rows) yield row.map(guarded);
  }
  const source = Readable.from(lines());
  const writer = stringify({ bom: true, record_delimiter: 'windows', quoted_match: /[\r\n\t;]|^\s|\s$/ });
  source.once('error', (error) => writer.destroy(error));
  writer.once('close', () => source.destroy());
  return source.pipe(writer);
}

/** Bounds of a table that is read. */
export interface CsvBounds {
  readonly bytesMax: number;
  readonly rowsMax: number;
  readonly columnsMax: number;
}

/**
 * The rows of a CSV text, the header first, separated by commas, semicolons or tabs. Lines without anything are left out. Raises
 * REQUEST_INVALID when it is no such text, or larger than the bounds.
 */
export async function readCsv(source: Readable, bounds: CsvBounds): Promise<readonly (readonly string[])[]> {
  const text = await readText(source, bounds.bytesMax);
  const rows: string[][] = [];
  const reader = Readable.from(pieces(text)).pipe(
    parse({ bom: true, delimiter: separatorOf(text), relax_column_count: true, skip_empty_lines: true }),
  );
  try {
    for await (const record of reader) {
      const cells = (record as readonly string[]).map(unguarded); // Without other options a record is a list of texts.
      // Spreadsheets leave lines of separators behind where rows were emptied.
      if (cells.every((cell) => cell === '')) continue;
      if (rows.length > bounds.rowsMax || cells.length > bounds.columnsMax) {
        throw broken('TOO_LARGE', `A table may have ${bounds.rowsMax} rows and ${bounds.columnsMax} columns.`);
      }
      rows.push(cells);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw broken(
      'CSV_INVALID',
      'The table is not valid CSV: a quote is not closed, or stands in the middle of a cell.',
      error,
    );
  }
  return rows;
}

async function readText(source: Readable, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length;
    // What is too much is read to its end, so that the answer can be read, and thrown away.
    if (size <= bytesMax) chunks.push(chunk);
  }
  if (size > bytesMax) {
    throw new AppError('PAYLOAD_TOO_LARGE', 'table', { limit: bytesMax, hint: 'Split the table into smaller ones.' });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw broken('ENCODING', 'The table is not UTF-8. Save it as "CSV UTF-8".', error);
  }
}

const PIECE = 64 * 1024;

/** The text in pieces between which others get their turn. */
function* pieces(text: string) {
  for (let start = 0; start < text.length; start += PIECE) yield text.slice(start, start + PIECE);
}

/** The separator that follows the first cell. */
function separatorOf(text: string): string {
  return /^\ufeff?(?:"(?:[^"]|"")*"|[^,;\t"\r\n]*)([,;\t])/.exec(text.slice(0, PIECE))?.[1] ?? ',';
}

function broken(code: string, message: string, cause?: unknown): AppError {
  return new AppError('REQUEST_INVALID', code, { faults: [{ field: 'file', code, message }], cause });
}
