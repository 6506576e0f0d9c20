-- The sets of nodes that tasks are queued for, in the order of the database, whichever that is: where punctuation counts last, as in
-- most languages, they do not stand between '#' and '$', nor side by side.
create index tasks_queued_set on tasks (target_node_id) where substate = 'queued' and target_node_id like '#%';
