// Code to read and to take along.

import classes from './code-block.module.css';
import { CopyButton } from './copy-button.tsx';

/** A block of code; `label` names it to people who cannot see it, and its copy button. */
export function CodeBlock({
  code,
  label,
  wrap = false,
}: {
  readonly code: string;
  readonly label: string;
  readonly wrap?: boolean;
}) {
  return (
    <div className={classes.block}>
      <div className={classes.copy}>
        <CopyButton text={code} label={`Copy ${label}`} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
      <section className={classes.code} tabIndex={0} aria-label={label} data-wrap={wrap || undefined}>
        <pre>{code}</pre>
      </section>
    </div>
  );
}
