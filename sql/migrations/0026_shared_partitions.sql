-- Where a run has very many files, the small ones share partitions of staging (docs/adr/0028-small-files-share-a-partition.md).
create table metadata.shared_partition (
    first_object bigint primary key,
    end_object bigint not null,
    source text not null,
    check (end_object > first_object)
);

create index on metadata.shared_partition (source, first_object);

comment on table metadata.shared_partition is
'Objects whose rows share a partition of staging, whichever run stages them: those of the source from first_object on, '
'before end_object. It is made when a file needs it, and dropped by the last run that has rows in it.';

create view metadata.shared_object as
select o.object_id, o.run_id, p.source, p.first_object, p.end_object
from metadata.object_version as o
cross join lateral (
    select s.source, s.first_object, s.end_object
    from metadata.shared_partition as s
    where s.source = o.source and s.first_object <= o.object_id
    order by s.first_object desc
    limit 1
) as p
where p.end_object > o.object_id;

comment on view metadata.shared_object is 'Objects whose rows share a partition of staging, with the partition.';
