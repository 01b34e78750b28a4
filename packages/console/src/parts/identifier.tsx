// A long technical text with its copy button.
import { CopyButton } from './copy-button.tsx';
import classes from './identifier.module.css';

/** Shows the text shortened when there is no room, and copies it whole. `label` is the button's, as in "Copy identifier". */
export function Identifier({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <span className={classes.identifier}>
      <code className={classes.text} title={text}>
        {text}
      </code>
      <CopyButton text={text} label={label} />
    </span>
  );
}
