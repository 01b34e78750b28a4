// How bytes get from a request into a store: piped, so that a source that is given up stays open for the answer.
import { finished, type Readable, type Writable } from 'node:stream';
import { AppError } from './errors.ts';

/** Pipes until the sink has ended; rejects with the first fault of either side or with the reason of the signal. */
export function pour(source: Readable, sink: Writable, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: { readonly reason: unknown } | undefined;
    const stop = (reason: unknown) => {
      failure ??= { reason };
      source.unpipe(sink);
      sink.destroy();
    };
    const abort = () => stop(signal?.reason);
    sink.once('error', stop);
    // `close` and not `finish`: only then is the descriptor given back and the file safe to move or remove.
    sink.once('close', () => {
      signal?.removeEventListener('abort', abort);
      source.unpipe(sink);
      if (failure !== undefined) reject(failure.reason);
      else if (sink.writableFinished) resolve();
      else reject(new AppError('STORE_UNAVAILABLE', 'the write was cut off'));
    });
    // Its listeners stay: a source that fails later, when the caller has given it up, must not end the process.
    finished(source, { writable: false }, (error) => {
      if (error) stop(error);
      else sink.end();
    });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    else source.pipe(sink, { end: false });
  });
}
