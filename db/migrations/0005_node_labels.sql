-- Labels of a node that are given by the server, over those that its agent brings.
--
-- `labels` stays what everybody selects by: the merge of both, where the server wins. Each of the two origins has a column of its
-- own, so that a new session replaces the agent's labels alone and a removed label of the server uncovers the agent's.

alter table nodes
  add column agent_labels jsonb not null default '{}',
  add column server_labels jsonb not null default '{}';

update nodes set agent_labels = labels;
