-- What files of the future say is loaded, but the marts show it no sooner than it is in force.
create table metadata.mart_instant (
    is_only boolean primary key default true check (is_only),
    in_force_at timestamptz not null
);
comment on table metadata.mart_instant is
'The instant of the last publication: the marts show what was in force then. Without one, the next writes everything.';

create view metadata.uncounted_object as
select object_id from metadata.retraction
union all
select o.object_id
from metadata.object_version as o
where o.effective_at > (select i.in_force_at from metadata.mart_instant as i);

comment on view metadata.uncounted_object is
'Objects of which the marts show nothing: those that were taken back or replaced, and those that are not in force yet.';
