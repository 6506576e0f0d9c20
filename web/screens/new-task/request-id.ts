/** Ids of requests: the same for the same content, so that two clicks on one form make one task. */
import { randomText } from '../../plain-http.ts';

/** Keeps the id of the content that was sent last. */
export class RequestIds {
  #content: string | null = null;
  #id = '';

  /** Returns the id for this content: a new one where it has changed. */
  idFor(content: string): string {
    if (content !== this.#content) {
      this.#content = content;
      this.#id = `console-${randomText()}`;
    }
    return this.#id;
  }
}
