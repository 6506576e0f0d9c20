-- What the history of a schedule begins with once its oldest steps have gone: the snapshot after the last of them.

create table schedule_bases (
  -- readScheduleBase.
  schedule_id uuid constraint schedule_bases_pkey primary key,
  version integer not null,
  machine_version integer not null,
  state text not null,
  context json not null
);
