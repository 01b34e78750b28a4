// A budget of bad credentials per client address, so that guessing is slow and costs nobody else anything.
import { addressBucket } from '@latchkey/policy';

export interface FailureBudget {
  /** Milliseconds until the address may try again; 0 when it may now. */
  waitMs(clientIp: string, nowMs: number): number;
  charge(clientIp: string, nowMs: number): void;
}

const WINDOW_MS = 60_000;
/** Addresses remembered at once; the oldest are forgotten first, so that a flood cannot fill the memory. */
const ADDRESSES_MAX = 10_000;

/** Counts failures per IPv4 address or IPv6 /64 in windows of a minute; memory only, on purpose: it guards this process. */
export function failureBudget(perMinute: number): FailureBudget {
  const windows = new Map<string, { count: number; readonly startMs: number }>();
  const current = (clientIp: string, nowMs: number) => {
    const window = windows.get(addressBucket(clientIp));
    return window !== undefined && nowMs - window.startMs < WINDOW_MS ? window : undefined;
  };
  return {
    waitMs(clientIp, nowMs) {
      const window = current(clientIp, nowMs);
      return window !== undefined && window.count >= perMinute ? window.startMs + WINDOW_MS - nowMs : 0;
    },
    charge(clientIp, nowMs) {
      const window = current(clientIp, nowMs);
      if (window !== undefined) {
        window.count += 1;
        return;
      }
      const bucket = addressBucket(clientIp);
      windows.delete(bucket);
      windows.set(bucket, { count: 1, startMs: nowMs });
      const oldest = windows.keys().next();
      if (windows.size > ADDRESSES_MAX && !oldest.done) windows.delete(oldest.value);
    },
  };
}
