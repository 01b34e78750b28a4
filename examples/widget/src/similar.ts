// Finding pictures like one, and pictures by a sentence, is offered where the widget survives it.
import type Filerobot from '@filerobot/core';

/** How the widget names the view of all files. */
const ALL_FILES = 'ASSETS';

/**
 * Switches `enableAIEmbed` on in the view of all files only. From elsewhere "Find similar" goes there first, and version 3.114 takes itself off the
 * page when its search field begins without a place to write in. The menu "More", in which it is, hangs on another option. To be called before the
 * widget's plugins join.
 */
export function offerSimilar(filerobot: Filerobot): void {
  filerobot.on('view-changed', (view: string) => {
    const isOffered = view === ALL_FILES;
    filerobot.getPlugin('Explorer')?.setOptions({ enableAIEmbed: isOffered, showRemoveBackgroundOption: isOffered });
  });
}
