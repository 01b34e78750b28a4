// A box for what deserves a second look and stops nobody.
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './caution.module.css';

/** A title and a sentence or two. */
export function Caution({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className={classes.box}>
      <p className={classes.title}>
        <IconAlertTriangle size={17} aria-hidden />
        {title}
      </p>
      <p className={classes.text}>{children}</p>
    </div>
  );
}
