// The widget's own icons come from its maker's servers. Where these cannot be reached, the page puts sheets of its own in their place.

const ELSEWHERE = /^https:\/\/(?:assets\.filerobot|cdn\.scaleflex)\.com\//;

/**
 * Puts a sheet in the place of each icon that has failed twice. Lists have another picture when an icon fails; the details of a file put the
 * same icon there again, without end: its handler must not hear of the second failure.
 */
export function replaceLostIcons(): void {
  const failed = new WeakMap<HTMLImageElement, string>();
  document.addEventListener(
    'error',
    (event) => {
      const image = event.target;
      if (!(image instanceof HTMLImageElement) || !ELSEWHERE.test(image.src)) return;
      if (failed.get(image) !== image.src) {
        failed.set(image, image.src);
        return;
      }
      event.stopImmediatePropagation();
      const [, format = 'FILE'] = /\/([A-Z0-9]{1,4})\.png/.exec(image.src) ?? [];
      image.src = `data:image/svg+xml,${encodeURIComponent(sheet(format))}`;
    },
    { capture: true },
  );
}

function sheet(format: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 200" width="160" height="200">
<path d="M10 2h96l44 44v144a8 8 0 0 1-8 8H10a8 8 0 0 1-8-8V10a8 8 0 0 1 8-8z" fill="#fff" stroke="#cbd5e1" stroke-width="3"/>
<path d="M106 2v36a8 8 0 0 0 8 8h36z" fill="#e2e8f0"/>
<text x="76" y="132" text-anchor="middle" font-family="system-ui, sans-serif" font-weight="700" font-size="38" fill="#475569">${format}</text>
</svg>`;
}
