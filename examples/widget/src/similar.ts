// Finding pictures like one, and pictures by a sentence, is offered where the widget survives it.
import type Filerobot from '@filerobot/core';

/** How the widget names the view of all files, and in the address the picture that others are to be like. */
const ALL_FILES = 'ASSETS';
const LIKE_IN_ADDRESS = 'fmaw_s_similar';

/**
 * Switches `enableAIEmbed` on in the view of all files only. From elsewhere "Find similar" goes there first, and version 3.114 takes itself off the
 * page when its search field begins without a place to write in. For the same reason a picture in the address is forgotten at the start. To be
 * called before the widget's plugins join.
 */
export function offerSimilar(filerobot: Filerobot): void {
  const address = new URL(location.href);
  if (address.searchParams.has(LIKE_IN_ADDRESS)) {
    address.searchParams.delete(LIKE_IN_ADDRESS);
    history.replaceState(history.state, '', address);
  }
  filerobot.on('view-changed', (view: string) => {
    filerobot.getPlugin('Explorer')?.setOptions({ enableAIEmbed: view === ALL_FILES });
  });
}
