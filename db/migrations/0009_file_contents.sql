-- Contents of files, stored under their SHA-256 in chunks, and which task has fetched which.

create table file_contents (
  id bigint generated always as identity constraint file_contents_pkey primary key,
  -- 64 lower-case hexadecimal digits.
  sha256 text not null,
  -- Who is uploading it: user, or TASK/ATTEMPT. What one of them sends cannot spoil the upload of another.
  uploader text not null,
  size_bytes bigint not null,
  -- The chunks cover this much from the start, without a gap.
  stored_bytes bigint not null default 0,
  -- All is there and the hash was checked. Nothing changes after that but used_at.
  is_complete boolean not null default false,
  -- When somebody last uploaded to it or created a task that needs it.
  used_at timestamptz not null default now(),
  constraint file_contents_bounded check (stored_bytes <= size_bytes)
);

-- touchFileContents, readFileContent.
create unique index file_contents_complete on file_contents (sha256) where is_complete;
-- append_file_chunk.
create unique index file_contents_upload on file_contents (uploader, sha256) where not is_complete;
-- deleteUnusedContents.
create index file_contents_used on file_contents (used_at);

create table file_chunks (
  content_id bigint not null
    constraint file_chunks_content_fkey references file_contents (id) on delete cascade,
  start_offset bigint not null,
  content bytea not null,
  -- readFileContent.
  constraint file_chunks_pkey primary key (content_id, start_offset)
);

-- Files are mostly compressed already, or small.
alter table file_chunks alter column content set storage external;

-- The content that the last attempt of a task has fetched. One row for each such task.
create table fetched_files (
  task_id uuid constraint fetched_files_pkey primary key
    constraint fetched_files_task_fkey references tasks (id) on delete cascade,
  sha256 text not null,
  at timestamptz not null default now()
);

-- deleteUnusedContents.
create index fetched_files_content on fetched_files (sha256);

-- deleteUnusedContents: which specs put a content on hosts.
create index specs_file_content on specs ((content #>> '{file,put,sha256}'))
  where content #>> '{file,put,sha256}' is not null;

-- Adds a chunk to an upload if it is the next one, and tells how far the upload is; see appendFileChunk.
create function append_file_chunk(
  new_sha256 text, new_uploader text, is_single boolean, new_size bigint, new_offset bigint, new_content bytea
) returns table (content_id bigint, stored bigint, complete boolean) language plpgsql as $$
declare
  upload file_contents;
begin
  update file_contents as c set used_at = now()
  where c.sha256 = new_sha256 and c.is_complete
  returning c.* into upload;
  if found then
    return query select upload.id, upload.size_bytes, true;
    return;
  end if;
  -- Another size means that one of the two is wrong, so that it begins anew: under another id, which a check of the former
  -- chunks cannot take for this one.
  delete from file_contents as c
  where c.uploader = new_uploader and not c.is_complete
    and (case when c.sha256 = new_sha256 then c.size_bytes <> new_size else is_single end);
  insert into file_contents as c (sha256, uploader, size_bytes)
  values (new_sha256, new_uploader, new_size)
  -- An update, so that this upload is held here.
  on conflict (uploader, sha256) where not is_complete do update set used_at = now()
  returning c.* into upload;
  if new_offset = upload.stored_bytes and length(new_content) > 0 then
    insert into file_chunks values (upload.id, new_offset, new_content);
    update file_contents as c set stored_bytes = c.stored_bytes + length(new_content)
    where c.id = upload.id
    returning c.* into upload;
  end if;
  return query select upload.id, upload.stored_bytes, false;
end $$;

-- Makes an upload whose hash was found right the content of this hash, unless another upload was first. Returns whether it is
-- there now; false when the upload has been given up meanwhile.
create function complete_file_content(completed_id bigint) returns boolean language plpgsql as $$
begin
  update file_contents set is_complete = true, used_at = now()
  where id = completed_id and stored_bytes = size_bytes;
  return found;
exception
  when unique_violation then
    delete from file_contents where id = completed_id;
    return true;
end $$;
