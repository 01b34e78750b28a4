// The product's mark and name.
import classes from './logo.module.css';

/** The mark with the name beside it. */
export function Logo({ size = 28 }: { readonly size?: number }) {
  return (
    <span className={classes.logo}>
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" className={classes.ground} />
        <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" strokeLinejoin="round">
          <circle cx="12" cy="16" r="4.6" />
          <path d="M16.6 16H26v4.2M21.6 16v3.2" />
        </g>
      </svg>
      <span className={classes.name}>Latchkey</span>
    </span>
  );
}
