/** Ids of requests: the same for the same content, so that two clicks on one form make one task. */

function randomText(): string {
  // Not randomUUID: a page that came over plain HTTP does not have it.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

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
