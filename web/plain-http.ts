/** What a page that came over plain HTTP does itself: browsers keep crypto.randomUUID and the clipboard for secure pages. */

/** Returns 32 random hexadecimal digits. */
export function randomText(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Copies a text. @throws Error when the browser does not allow it */
export async function writeClipboard(text: string): Promise<void> {
  // Typed as if it were always there.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard !== undefined) return await clipboard.writeText(text);
  const isCopied = new Promise<void>((resolve, reject) => {
    const onCopy = (event: ClipboardEvent) => {
      event.preventDefault();
      event.clipboardData?.setData('text/plain', text);
      resolve();
    };
    document.addEventListener('copy', onCopy, { once: true });
    // Old, and the only way that such a page has.
    document.execCommand('copy');
    document.removeEventListener('copy', onCopy);
    reject(new Error('The browser does not allow copying here; select the text instead'));
  });
  return await isCopied;
}
