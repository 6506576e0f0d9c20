/**
 * What lies between a dialog and the page.
 *
 * Not radix' Dialog.Overlay: it puts a `<style>` into the page, which our content security policy refuses.
 */
export function Backdrop() {
  return <div aria-hidden className="fixed inset-0 z-40 bg-black/40" />;
}
