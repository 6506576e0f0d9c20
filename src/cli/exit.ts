/**
 * The exit codes of the command line.
 *
 * Those of `run` follow timeout(1) and the shells. It stands apart from what reads tasks, so that help is shown without loading
 * the API.
 */

export const EXIT = {
  ok: 0,
  /** A client command could not do what was asked. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Some nodes of a fan-out have not completed. */
  someFailed: 3,
  /** The task timed out. */
  timeout: 124,
  /** `run` and `task wait`: Muster itself failed, or the task failed without a process that could. */
  muster: 125,
  /** The task was cancelled, or the command was left by Ctrl-C. */
  cancelled: 130,
  /** Nobody reads the output any more; what SIGPIPE would give. */
  closedPipe: 141,
} as const;
