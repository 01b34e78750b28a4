// Checksums that senders give along with a file, in the spellings of headers (RFC 9530, RFC 3230) and of forms.
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors.ts';
import type { Checksums } from '../operations/uploads.ts';

/** Algorithms by their names in headers. Others are left alone, as RFC 9530 section 2 asks. */
const BY_HEADER_NAME: Readonly<Record<string, keyof Checksums>> = { 'sha-256': 'sha256', sha: 'sha1', 'sha-1': 'sha1' };
const HEX_LENGTH = { sha1: 40, sha256: 64 } as const;

/** What the headers of a raw body say of it. Raises REQUEST_INVALID when a checksum that we know is not one. */
export function checksumsOfHeaders(headers: IncomingHttpHeaders): Checksums {
  const said: { -readonly [A in keyof Checksums]: Checksums[A] } = {};
  for (const field of ['repr-digest', 'content-digest', 'digest']) {
    const text = [headers[field] ?? []].flat().join(',');
    for (const member of text.split(',')) {
      const at = member.indexOf('=');
      const algorithm = BY_HEADER_NAME[member.slice(0, at).trim().toLowerCase()];
      if (at < 0 || algorithm === undefined) continue;
      const value = member.slice(at + 1).trim();
      // A structured field puts its bytes between colons; the older header did not.
      const encoded = field === 'digest' ? value : /^:(.*):$/.exec(value)?.[1];
      const hex = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('hex');
      if (hex.length !== HEX_LENGTH[algorithm] || (said[algorithm] ?? hex) !== hex) throw invalid(field);
      said[algorithm] = hex;
    }
  }
  return said;
}

/**
 * What a side part or a member of JSON says: `{"sha1": .., "sha256": ..}` or one checksum alone, in hexadecimal. Nothing is
 * nothing. Raises REQUEST_INVALID when it is something else.
 */
export function checksumsOf(said: unknown, field: string): Checksums {
  if (said === undefined || said === null || said === '') return {};
  if (typeof said === 'string') {
    const algorithm = said.length === HEX_LENGTH.sha1 ? 'sha1' : 'sha256';
    return { [algorithm]: hexOf(said, algorithm, field) };
  }
  if (typeof said !== 'object') throw invalid(field);
  const { sha1, sha256 } = said as { readonly sha1?: unknown; readonly sha256?: unknown }; // Each is judged below.
  return {
    ...(sha1 === undefined || sha1 === null ? {} : { sha1: hexOf(sha1, 'sha1', `${field}.sha1`) }),
    ...(sha256 === undefined || sha256 === null ? {} : { sha256: hexOf(sha256, 'sha256', `${field}.sha256`) }),
  };
}

function hexOf(text: unknown, algorithm: keyof Checksums, field: string): string {
  const length = HEX_LENGTH[algorithm];
  if (typeof text !== 'string' || text.length !== length || !/^[0-9a-f]+$/i.test(text)) throw invalid(field);
  return text.toLowerCase();
}

function invalid(field: string): AppError {
  const message = 'A SHA-1 or SHA-256 checksum is needed here: hexadecimal in forms and JSON, base64 in headers.';
  return new AppError('REQUEST_INVALID', 'checksum', { faults: [{ field, code: 'CHECKSUM_INVALID', message }] });
}
