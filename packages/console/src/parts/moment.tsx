// A time as people speak of it, with the exact one at hand.
import { useEffect, useState } from 'react';
import { formatAge, formatMoment } from '../quantity.ts';

/** How long ago it was, kept up to date while it is looked at. */
export function Moment({ at }: { readonly at: string }) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={formatMoment(at)}>
      {formatAge(at, nowMs)}
    </time>
  );
}
