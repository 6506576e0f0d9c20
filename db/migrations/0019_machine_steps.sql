-- How often the machines make each step, by minute, and every definition of a machine that ever ran. See db/step-counts.ts and
-- db/machine-versions.ts.

create table step_counts (
  machine text not null,
  -- A whole one, by the time of the steps.
  minute timestamptz not null,
  -- Empty for a creation.
  from_path text not null,
  event text not null,
  to_path text not null,
  steps bigint not null,
  constraint step_counts_pkey primary key (machine, minute, from_path, event, to_path)
);

-- deleteOldStepCounts: the oldest of all machines.
create index step_counts_minute on step_counts (minute);

create table machine_versions (
  machine text not null,
  -- SHA-256 of the definition, in hex: a definition may be changed without a new version.
  hash text not null,
  -- As the definition says; empty for a machine without versions.
  version text not null,
  definition json not null,
  first_seen_at timestamptz not null default now(),
  constraint machine_versions_pkey primary key (machine, hash)
);
