/**
 * What the agent asks of the worker that carries out a file action: one JSON document on its standard input. Written by the
 * file executor, read by worker.ts, which may outlive the agent.
 */

/** The way back to the supervisor. The token stays in its file, where it may be renewed. */
export interface SupervisorAddress {
  readonly serverUrl: string;
  /** Certificates in PEM; null for none besides the system's. */
  readonly ca: string | null;
  readonly nodeTokenFile: string;
}

export interface PutOperation {
  readonly kind: 'put';
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Octal digits; empty for that of the file that is there, else 0644. */
  readonly mode: string;
  /** Name or number; empty for that of the file that is there, else the agent's own. */
  readonly owner: string;
  readonly group: string;
  readonly isCreatingParents: boolean;
}

export type FileOperation =
  | PutOperation
  | { readonly kind: 'get' }
  | { readonly kind: 'delete' }
  | { readonly kind: 'stat' };

export interface FileRequest {
  readonly nodeId: string;
  readonly taskId: string;
  readonly attempt: number;
  /** Absolute, without `.` and `..`. */
  readonly path: string;
  /** Folders that files may be in, with all below them; empty for everywhere. */
  readonly allowedPaths: readonly string[];
  readonly operation: FileOperation;
  readonly supervisor: SupervisorAddress;
}
