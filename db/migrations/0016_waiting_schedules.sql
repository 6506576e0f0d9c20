-- Schedules that wait for the task of their former fire stand apart from those that are due: however many wait, they are in nobody's way.

alter table schedules
  -- The task whose end is waited for; wake_at is null meanwhile. Null again with every step of the schedule.
  add column waits_for uuid;

-- listReleasedSchedules.
create index schedules_waiting on schedules (waits_for) where waits_for is not null;
