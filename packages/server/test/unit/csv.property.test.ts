// Tables out and in again: no text is lost, and no cell begins like a formula.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvOf, guarded, readCsv, unguarded } from '../../src/http/csv.ts';
import type { Field } from '../../src/operations/model.ts';
import { joinList, metaCell, metaFromCell, splitList } from '../../src/operations/table-cells.ts';

const nasty = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('=', "'", '"', ',', ';', '\r', '\n', '\t', '\\', ' ', '-', '1', '.', 'a', '\ufeff'),
  }),
);
const field = (type: string, values: readonly string[] = []): Field =>
  ({
    type,
    possible_values: values.map((value) => ({
      internal_unique_value: `@${value}@`,
      api_value: value,
      label: value.toUpperCase(),
    })),
  }) as unknown as Field; // Cells read these two members only.

describe('cells', () => {
  test('a guarded cell never begins like a formula, and is read back as it was', () => {
    fc.assert(
      fc.property(nasty, (cell) => {
        expect(unguarded(guarded(cell))).toBe(cell);
        if (!/^-?\d+(?:\.\d+)?$/.test(guarded(cell))) expect(guarded(cell)).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
      }),
    );
  });

  test.each([
    ['=1+1', "'=1+1"],
    ["'=x", "''=x"],
    ["it's", "it's"],
    ["'quoted'", "'quoted'"],
    ['-5', '-5'],
    ['-5+cmd', "'-5+cmd"],
    ['+33 1', "'+33 1"],
    ['@sum', "'@sum"],
    ['\t=1', "'\t=1"],
    ['＝1', "'＝1"],
  ])('%j is written as %j', (cell, written) => {
    expect([guarded(cell), unguarded(written)]).toEqual([written, cell]);
  });

  test('values of metadata come back from their cells', () => {
    const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => value !== null && !Object.is(value, -0));
    fc.assert(
      fc.property(json, (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(metaFromCell(undefined, metaCell(undefined, plain))).toEqual(plain);
      }),
    );
    for (const type of ['text', 'textarea', 'date', 'select-one']) {
      fc.assert(
        fc.property(nasty, (text) => {
          expect(metaFromCell(field(type), metaCell(field(type), text))).toBe(text);
        }),
      );
    }
  });

  test('lists of texts come back, apart from the spaces around them', () => {
    const text = nasty.filter((entry) => entry.trim() !== '');
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        expect(splitList(joinList(texts))).toEqual(texts.map((entry) => entry.trim()));
      }),
    );
  });

  test('selections are shown by the values that people know', () => {
    const one = field('select-one', ['summer', 'winter']);
    expect(metaCell(one, '@summer@')).toBe('summer');
    expect(['summer', '@summer@', 'SUMMER', 'spring'].map((cell) => metaFromCell(one, cell))).toEqual([
      '@summer@',
      '@summer@',
      '@summer@',
      'spring',
    ]);
    const many = field('multi-select', ['a', 'b;c']);
    expect(metaCell(many, ['@a@', '@b;c@'])).toBe('a; b\\;c');
    expect(metaFromCell(many, 'b\\;c;a')).toEqual(['@b;c@', '@a@']);
  });
});

const BOUNDS = { bytesMax: 1_000_000, rowsMax: 100, columnsMax: 20 };
const written = async (rows: readonly (readonly string[])[]) => {
  const [header = [], ...others] = rows;
  const chunks: Buffer[] = [];
  for await (const chunk of csvOf(header, others)) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks);
};
async function* once(bytes: Buffer) {
  yield bytes;
}
const read = async (text: string | Buffer, bounds = BOUNDS) => {
  const { Readable } = await import('node:stream');
  return readCsv(Readable.from(once(Buffer.from(text))), bounds);
};
const codeOf = (error: unknown) =>
  (error as { readonly facts?: { readonly faults?: readonly { readonly code: string }[] } }).facts?.faults?.[0]?.code;

describe('CSV', () => {
  test('any table is read as it was written', async () => {
    const cell = nasty;
    const tables = fc
      .integer({ min: 1, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
      )
      .map((rows) => rows.map((row, i) => [i === 0 ? 'uuid' : `u${i}`, ...row]));
    await fc.assert(
      fc.asyncProperty(tables, async (rows) => {
        expect(await read(await written(rows))).toEqual(rows);
      }),
    );
  });

  test('is marked as UTF-8 and ends lines as RFC 4180 has it', async () => {
    expect(
      String(
        await written([
          ['uuid', 'é'],
          ['1', 'a,"b"'],
        ]),
      ),
    ).toBe('\ufeffuuid,é\r\n1,"a,""b"""\r\n');
  });

  test('is read with the separators that spreadsheets use, without empty lines', async () => {
    expect(await read('uuid;name\n1;a,b\n;\n\n2;c\n')).toEqual([
      ['uuid', 'name'],
      ['1', 'a,b'],
      ['2', 'c'],
    ]);
    expect(await read('uuid\tname\r\n1\t"a\tb"\r\n')).toEqual([
      ['uuid', 'name'],
      ['1', 'a\tb'],
    ]);
  });

  test.each([
    [Buffer.from([0xff, 0xfe, 0x61, 0x00]), 'ENCODING'],
    ['uuid\n"open', 'CSV_INVALID'],
    [`uuid\n${'1\n'.repeat(101)}`, 'TOO_LARGE'],
    [','.repeat(20).replaceAll(',', 'a,'), 'TOO_LARGE'],
  ])('refuses what is none, or too much: %#', async (text, code) => {
    const outcome = await read(text).catch(codeOf);
    expect(outcome).toBe(code);
  });

  test('refuses more bytes than the bound', async () => {
    await expect(read('x'.repeat(11), { ...BOUNDS, bytesMax: 10 })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
  });
});
