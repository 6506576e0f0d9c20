/** Copies text for people. */
import { writeClipboard } from '../../plain-http.ts';
import { toast } from '../../ui/toast.tsx';

/** Copies a text and says so. */
export async function copy(text: string): Promise<void> {
  try {
    await writeClipboard(text);
    toast('Copied');
  } catch {
    toast('The browser does not allow copying here; select the text instead', true);
  }
}
