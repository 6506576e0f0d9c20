-- Old requests are found by age. Rows arrive in the order of their times, so a block range index costs next to nothing.

-- deleteOldRequests
create index requests_created on requests using brin (created_at);
