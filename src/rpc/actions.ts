/**
 * What each method does, in the words that complete `Cannot …: …`.
 *
 * Used by every layer that refuses a call, so that all of them begin alike. A test compares the list with the services.
 */

const ACTIONS: Readonly<Record<string, string>> = {
  CreateTask: 'create the task',
  CreateTasks: 'create the tasks',
  GetTask: 'get the task',
  ListTasks: 'list tasks',
  ExecuteTask: 'execute the task',
  CancelTask: 'cancel the task',
  RetryTask: 'retry the task',
  ResolveTask: 'resolve the task',
  DeleteTask: 'delete the task',
  WaitTask: 'wait for the task',
  WatchTasks: 'watch tasks',
  GetTaskHistory: 'read the history of the task',
  VerifyTask: 'verify the task',
  ReadOutput: 'read the output',
  TailOutput: 'follow the output',
  GetStatistics: 'count tasks',
  ListNodes: 'list nodes',
  GetNode: 'get the node',
  UpdateNode: 'update the node',
  Enroll: 'enroll the node',
  Session: 'hold the session',
  Check: 'check the health',
  Watch: 'watch the health',
};

/** Gives the words for a method by its plain name. */
export function actionOf(method: string): string {
  return ACTIONS[method] ?? `carry out ${method}`;
}
