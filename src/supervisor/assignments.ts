/**
 * What fills the slots of one session: tasks that are proposed for its node, and attempts that are assigned to it. Used by Session.
 *
 * A task that other nodes could take as well must not come to wait behind one that is bound to this node and was sent ahead of the free
 * slots. So it is known whether the Start of such a shared task is still to be sent: its commit may take longer than that of a later one.
 */
interface Assignment {
  /** 0 while it is a proposal only. */
  attempt: number;
  /** When its Start was sent last, or begun to be, by the monotonic clock; null before. */
  sentAt: number | null;
  /** Its Stop has been sent: a Start must not follow. */
  isStopped: boolean;
  /** Others could take it, and the agent is not known to have it. */
  isSharedToSend: boolean;
}

export class Assignments {
  readonly #byTask = new Map<string, Assignment>();
  #sharedToSend = 0;
  readonly #onSharedSent: () => void;

  /** @param onSharedSent called when the last shared task has been sent, or needs to be no more */
  constructor(onSharedSent: () => void) {
    this.#onSharedSent = onSharedSent;
  }

  get size(): number {
    return this.#byTask.size;
  }

  get taskIds(): Iterable<string> {
    return this.#byTask.keys();
  }

  /** The Start of a shared task is still to be sent. */
  get hasSharedToSend(): boolean {
    return this.#sharedToSend > 0;
  }

  /** The attempt of a task, 0 for a proposal. */
  attemptOf(taskId: string): number | undefined {
    return this.#byTask.get(taskId)?.attempt;
  }

  sentAt(taskId: string): number | null {
    return this.#byTask.get(taskId)?.sentAt ?? null;
  }

  has(taskId: string, attempt: number): boolean {
    return this.#byTask.get(taskId)?.attempt === attempt;
  }

  /** As Session.reserve. */
  reserve(taskId: string, ended: number, isShared: boolean): boolean {
    const here = this.attemptOf(taskId);
    if (here !== undefined && (here === 0 || here > ended)) return false;
    this.#set(taskId, 0, isShared);
    return true;
  }

  /** As Session.assign. What is known of the proposal that it has come of stays known. */
  assign(taskId: string, attempt: number, isSharedToSend: boolean): void {
    const here = this.#byTask.get(taskId);
    if (here?.attempt === attempt) return;
    if (here?.attempt === 0 && isSharedToSend) here.attempt = attempt;
    else this.#set(taskId, attempt, isSharedToSend);
  }

  release(taskId: string): void {
    const here = this.#byTask.get(taskId);
    if (here === undefined) return;
    this.#byTask.delete(taskId);
    this.#settle(here);
  }

  /** As Session.beginStart. */
  beginStart(taskId: string, attempt: number, now: number): boolean {
    const here = this.#byTask.get(taskId);
    if (here?.attempt !== attempt || here.isStopped) return false;
    here.sentAt = now;
    return true;
  }

  failStart(taskId: string, attempt: number): void {
    const here = this.#byTask.get(taskId);
    if (here?.attempt === attempt) here.sentAt = null;
  }

  /** Its Start has been sent, or the agent has told of it. */
  reached(taskId: string, attempt: number): void {
    const here = this.#byTask.get(taskId);
    if (here?.attempt === attempt) this.#settle(here);
  }

  /** Its Stop has been sent. */
  stopped(taskId: string, attempt: number): void {
    const here = this.#byTask.get(taskId);
    if (here?.attempt !== attempt) return;
    here.isStopped = true;
    this.#settle(here);
  }

  #set(taskId: string, attempt: number, isSharedToSend: boolean): void {
    const former = this.#byTask.get(taskId);
    this.#byTask.set(taskId, { attempt, sentAt: null, isStopped: false, isSharedToSend });
    if (isSharedToSend) this.#sharedToSend += 1;
    if (former !== undefined) this.#settle(former);
  }

  #settle(assignment: Assignment): void {
    if (!assignment.isSharedToSend) return;
    assignment.isSharedToSend = false;
    this.#sharedToSend -= 1;
    if (this.#sharedToSend === 0) this.#onSharedSent();
  }
}
