create unlogged table "staging"."shared_256" (like "staging"."customers") with (parallel_workers = 2, autovacuum_enabled = off);
create index on "staging"."shared_256" (object_id)
