// An address that leads nowhere.
import { IconCompassOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import classes from './notice.module.css';

/** Shown for every address that no page has. */
export function NotFound() {
  return (
    <main className={classes.notice} data-whole-page>
      <span className={classes.icon}>
        <IconCompassOff size={26} stroke={1.6} aria-hidden />
      </span>
      <h1 className={classes.title}>There is nothing at this address</h1>
      <p className={classes.text}>
        It may have been deleted. <Link to="/settings/developer/security-templates">Go to the security templates</Link>
      </p>
    </main>
  );
}
