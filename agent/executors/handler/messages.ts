/**
 * What the agent and one of its handler threads say to each other. Data travels as JSON text, which is cheaper to hand over than
 * a value.
 */

/** A result or an input may have so many bytes of JSON. */
export const MAX_JSON_BYTES = 256 * 1024;
export const MAX_PROGRESS_BYTES = 500;

/** The names that can be called. As in the proto. */
export const HANDLER_NAME = /^[A-Za-z_$][A-Za-z0-9_$]{0,127}$/;

/** What a thread is started with. */
export interface ThreadData {
  /** URL of the module. */
  readonly module: string;
}

/** A call of one handler. `call` numbers the calls of a thread. */
export interface CallMessage {
  readonly kind: 'call';
  readonly call: number;
  readonly handler: string;
  /** Empty for null. */
  readonly inputJson: string;
  readonly taskId: string;
  readonly attempt: number;
  /** Output past this many bytes is counted and dropped. */
  readonly capBytes: number;
}

export type ToThread = CallMessage | { readonly kind: 'abort'; readonly call: number };

export type OutputName = 'stdout' | 'stderr';

/** How a call went. */
export type CallEnd =
  /** `resultJson` is empty for null. */
  | { readonly isDone: true; readonly resultJson: string }
  | { readonly isDone: false; readonly failure: string };

/** What a thread says about the call that is under way. */
export type FromCall =
  | { readonly kind: 'output'; readonly stream: OutputName; readonly content: string | Uint8Array }
  /** Bytes over the cap up to now. */
  | { readonly kind: 'dropped'; readonly stdout: number; readonly stderr: number }
  | { readonly kind: 'progress'; readonly fraction: number; readonly message: string }
  | { readonly kind: 'ended'; readonly end: CallEnd };

export type FromThread =
  | { readonly kind: 'ready'; readonly names: readonly string[] }
  | { readonly kind: 'unusable'; readonly why: string }
  /** Said outside of any call, while the module was loaded for example. */
  | { readonly kind: 'stray'; readonly text: string }
  | { readonly kind: 'call'; readonly call: number; readonly said: FromCall };
