// The large dialog around the editor, which does not lose what was typed.
import { Modal } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ReactNode, useEffect, useRef } from 'react';
import { confirmFirst } from './confirm.tsx';
import classes from './editor-dialog.module.css';

/** `children` gets `close`, which asks before it throws changes away, and `setDirty`, which says whether there are any. */
export function EditorDialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: (controls: { close: () => void; setDirty: (dirty: boolean) => void }) => ReactNode;
}) {
  const narrow = useMediaQuery('(max-width: 48em)') ?? false;
  const dirty = useRef(false);

  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (dirty.current) event.preventDefault();
    };
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, []);

  const close = () => {
    if (!dirty.current) return props.onClose();
    confirmFirst({
      title: 'Discard your changes?',
      body: <p>What you changed here has not been saved.</p>,
      confirm: 'Discard changes',
      cancel: 'Keep editing',
      act: async () => {
        props.onClose();
        return true;
      },
    });
  };
  const setDirty = useRef((is: boolean) => {
    dirty.current = is;
  }).current;

  return (
    <Modal
      opened
      onClose={close}
      title={props.title}
      size="66rem"
      fullScreen={narrow}
      centered
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
      classNames={{ content: classes.content, header: classes.header, title: classes.title, body: classes.body }}
    >
      {props.children({ close, setDirty })}
    </Modal>
  );
}
