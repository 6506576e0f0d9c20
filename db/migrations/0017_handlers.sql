-- What handlers add: a third stream for their results, and how far a running attempt says it is.

alter table output_streams drop constraint output_streams_stream_known;
alter table output_streams add constraint output_streams_stream_known check (stream in ('stdout', 'stderr', 'result'));

-- The newest progress of a task. Written at most once a second for each task; it belongs to the attempt that it names, and
-- means nothing once that is over.
create table task_progress (
  task_id uuid not null,
  attempt integer not null,
  fraction double precision not null,
  message text not null,
  constraint task_progress_pkey primary key (task_id),
  constraint task_progress_task_fkey foreign key (task_id) references tasks (id) on delete cascade
);
