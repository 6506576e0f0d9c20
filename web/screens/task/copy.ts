/** Copies text for people. */
import { toast } from '../../ui/toast.tsx';

/** Copies a text and says so. Browsers allow it on secure pages and on this machine only. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied');
  } catch {
    toast('The browser does not allow copying here; select the text instead', true);
  }
}
