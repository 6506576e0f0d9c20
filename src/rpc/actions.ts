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
  PauseTask: 'pause the fan-out',
  ResumeTask: 'resume the fan-out',
  RetryTask: 'retry the task',
  ResolveTask: 'resolve the task',
  DeleteTask: 'delete the task',
  CancelTasks: 'cancel tasks',
  RetryTasks: 'retry tasks',
  DeleteTasks: 'delete tasks',
  WaitTask: 'wait for the task',
  WatchTasks: 'watch tasks',
  GetTaskHistory: 'read the history of the task',
  VerifyTask: 'verify the task',
  ReadOutput: 'read the output',
  TailOutput: 'follow the output',
  GetStatistics: 'count tasks',
  ListNodes: 'list nodes',
  ResolveNodes: 'choose nodes',
  GetNode: 'get the node',
  GetNodeMetrics: 'read the measurements of the node',
  CreateGroup: 'create the group',
  UpdateGroup: 'change the group',
  DeleteGroup: 'delete the group',
  GetGroup: 'get the group',
  ListGroups: 'list groups',
  AddToGroup: 'add to the group',
  RemoveFromGroup: 'remove from the group',
  CreateSchedule: 'create the schedule',
  UpdateSchedule: 'update the schedule',
  GetSchedule: 'get the schedule',
  ListSchedules: 'list schedules',
  PauseSchedule: 'pause the schedule',
  ResumeSchedule: 'resume the schedule',
  TriggerSchedule: 'trigger the schedule',
  DeleteSchedule: 'delete the schedule',
  PreviewSchedule: 'preview the schedule',
  ListFires: 'list the fires of the schedule',
  VerifySchedule: 'verify the schedule',
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
