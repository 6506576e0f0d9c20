-- How old the oldest pending task was, minute by minute: one row for each, whatever the number of supervisors. See db/pending-ages.ts.

create table pending_ages (
  -- A whole one.
  minute timestamptz constraint pending_ages_pkey primary key,
  -- From its creation; 0 where no task was pending.
  oldest_ms bigint not null
);
