// A file to be recorded, where it does not matter which.
import { ROOT } from '@latchkey/policy';
import type { NewFile } from '../../src/ports/metadata.ts';

/** A file of one byte in the root folder, with a blob of the same name. */
export function newFile(name: string): NewFile {
  return {
    folderPath: ROOT,
    name,
    mime: 'text/plain',
    sizeBytes: 1,
    sha1: '',
    sha256: '',
    blobId: name,
    meta: {},
    tags: {},
    info: {},
    productRef: undefined,
    productPosition: undefined,
    uploadedBy: 'key',
  };
}
