// What stands in the place of something that could not be loaded.
import { Button } from '@mantine/core';
import { IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import { failureWords } from '../tell.ts';
import classes from './notice.module.css';

/** Says what failed, why, and offers to try again. */
export function Failure(props: { readonly title: string; readonly error: unknown; readonly onRetry?: () => void }) {
  return (
    <div className={classes.notice} role="alert">
      <span className={classes.icon} data-tone="danger">
        <IconPlugConnectedX size={26} stroke={1.6} aria-hidden />
      </span>
      <h2 className={classes.title}>{props.title}</h2>
      {failureWords(props.error).map((words) => (
        <p key={words} className={classes.text}>
          {words}
        </p>
      ))}
      {props.onRetry === undefined ? null : (
        <Button mt="md" variant="default" leftSection={<IconRefresh size={16} />} onClick={props.onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
