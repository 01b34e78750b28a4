// The head of a settings page: where it is, what it is called, what it is for, and its first action.
import { IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useEffect } from 'react';
import classes from './page-head.module.css';

/** Also names the browser tab. */
export function PageHead(props: {
  readonly trail: readonly string[];
  readonly title: string;
  readonly lead: ReactNode;
  readonly action?: ReactNode;
}) {
  const { title } = props;
  useEffect(() => {
    document.title = `${title} · Latchkey`;
  }, [title]);
  return (
    <header className={classes.head}>
      <div className={classes.words}>
        <nav aria-label="Breadcrumb">
          <ol className={classes.trail}>
            {[...props.trail, title].map((step, index, all) => (
              <li key={step} aria-current={index === all.length - 1 ? 'page' : undefined}>
                {index === 0 ? null : <IconChevronRight size={13} aria-hidden />}
                {step}
              </li>
            ))}
          </ol>
        </nav>
        <h1 className={classes.title}>{title}</h1>
        <p className={classes.lead}>{props.lead}</p>
      </div>
      {props.action === undefined ? null : <div className={classes.action}>{props.action}</div>}
    </header>
  );
}
