// Copies text, also where the clipboard API is missing because the page is not served over HTTPS.

/** Puts the text on the clipboard; false when the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.readOnly = true;
  area.className = 'off-screen';
  // Inside an open dialog the focus is held there: the area must live where the focus is.
  const home = document.activeElement?.parentElement ?? document.body;
  const before = document.activeElement;
  home.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
