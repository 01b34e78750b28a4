// The large dialog around the editor, which does not lose what was typed.
import { Modal } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useBlocker } from '@tanstack/react-router';
import { type ReactNode, useCallback, useRef } from 'react';
import { confirmFirst } from './confirm.tsx';
import classes from './editor-dialog.module.css';

/**
 * Asks before changes are thrown away, whichever way the dialog is left: its buttons, the back button, or closing the tab.
 * `children` gets `setDirty`, which says whether there are any.
 */
export function EditorDialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: (controls: { setDirty: (dirty: boolean) => void }) => ReactNode;
}) {
  const narrow = useMediaQuery('(max-width: 48em)') ?? false;
  const dirty = useRef(false);
  const setDirty = useCallback((is: boolean) => {
    dirty.current = is;
  }, []);

  useBlocker({
    enableBeforeUnload: () => dirty.current,
    shouldBlockFn: async () => {
      if (!dirty.current) return false;
      const discard = await confirmFirst({
        title: 'Discard your changes?',
        body: <p>What you changed here has not been saved.</p>,
        confirm: 'Discard changes',
        cancel: 'Keep editing',
      });
      dirty.current = !discard;
      return !discard;
    },
  });

  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      size="66rem"
      fullScreen={narrow}
      centered
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
      classNames={{ content: classes.content, header: classes.header, title: classes.title, body: classes.body }}
    >
      {props.children({ setDirty })}
    </Modal>
  );
}
