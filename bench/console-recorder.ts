/**
 * What runs inside the page that is measured: `installRecorder` goes there as text before anything else and leaves `recorder` behind.
 *
 * It reads the page and changes nothing of it. Its only clocks are that of the machine, so that times agree with those of the
 * supervisor, and that of the frames.
 */

/** A task as the page shows it from some frame on. */
export interface Sight {
  readonly taskId: string;
  /** Its words, for example running · executing. */
  readonly state: string;
  readonly attempt: number;
  /** When the frame began, ms since 1970. */
  readonly at: number;
}

export interface Recorder {
  /** Notes from now on what the page shows of tasks, on the screen of one or on the list. */
  watch(): void;
  /** Returns what it has noted, and forgets it. */
  take(): Sight[];
  /** Returns how long each frame took for so long, in ms. */
  frames(ms: number): Promise<number[]>;
  /** Scrolls the list down to so many pixels, by so many each frame, and returns how long each frame took. */
  scroll(toPx: number, stepPx: number): Promise<number[]>;
}

/** As much of a browser as is used here. */
interface Element {
  readonly id: string;
  readonly textContent: string;
  scrollTop: number;
  querySelector(selector: string): Element | null;
}
interface Browser {
  readonly document: Element & { querySelectorAll(selector: string): Iterable<Element> };
  readonly location: { readonly pathname: string };
  readonly MutationObserver: new (
    onChange: () => void,
  ) => {
    observe(target: object, what: object): void;
  };
  requestAnimationFrame(draw: (at: number) => void): void;
  recorder: Recorder;
}

/** Runs in the page, where nothing of this file but its own text is known. */
export function installRecorder(): void {
  const page = globalThis as unknown as Browser;
  const { document } = page;
  const known = new Map<string, string>();
  let sights: Sight[] = [];
  let isFrameAsked = false;
  const textOf = (element: Element | null) => element?.textContent ?? '';
  const note = (taskId: string, state: string, attempt: string, at: number) => {
    const text = `${state} ${attempt}`;
    if (taskId === '' || state === '' || known.get(taskId) === text) return;
    known.set(taskId, text);
    sights.push({ taskId, state, attempt: Number.parseInt(attempt, 10) || 0, at });
  };
  const look = (at: number) => {
    for (const row of document.querySelectorAll('[role=row][id^=row-]')) {
      const state = textOf(row.querySelector('[role=gridcell]:nth-child(2) span > span + span'));
      const attempt = textOf(row.querySelector('[role=gridcell]:nth-child(6)'));
      note(row.id.slice('row-'.length), state, attempt, at);
    }
    const head = document.querySelector('main header');
    if (head === null) return;
    const taskId = page.location.pathname.split('/').at(-1) ?? '';
    const attempt = textOf(head.querySelector('dl')).match(/Attempt(\d+)/)?.[1] ?? '';
    note(taskId, textOf(head.querySelector('h1 + span span > span + span')), attempt, at);
  };
  const onChange = () => {
    if (isFrameAsked) return;
    isFrameAsked = true;
    page.requestAnimationFrame(() => {
      isFrameAsked = false;
      look(Date.now());
    });
  };
  /** Calls `draw` once a frame until it says that it is done. */
  const eachFrame = (draw: (at: number) => boolean) =>
    new Promise<number[]>((resolve) => {
      const times: number[] = [];
      let former: number | null = null;
      const step = (at: number) => {
        if (former !== null) times.push(at - former);
        former = at;
        if (draw(at)) resolve(times);
        else page.requestAnimationFrame(step);
      };
      page.requestAnimationFrame(step);
    });
  page.recorder = {
    watch() {
      const everything = { subtree: true, childList: true, characterData: true };
      new page.MutationObserver(onChange).observe(document, everything);
      look(Date.now());
    },
    take() {
      const taken = sights;
      sights = [];
      return taken;
    },
    frames(ms) {
      let startedAt: number | null = null;
      return eachFrame((at) => at - (startedAt ??= at) >= ms);
    },
    scroll(toPx, stepPx) {
      return eachFrame(() => {
        const list = document.querySelector('[role=grid]');
        if (list === null) return true;
        // What is not loaded yet cannot be scrolled to: it stays where it is until then.
        list.scrollTop += stepPx;
        return list.scrollTop >= toPx;
      });
    },
  };
}
