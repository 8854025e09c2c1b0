-- What cannot be read in a complete list is not absent from it, and a list that lacks too much waits for somebody.
alter table metadata.object_version drop constraint object_version_status_check;
alter table metadata.object_version add constraint object_version_status_check check (
    status in (
        'PLANNED', 'STAGED', 'LOADED', 'REPEATED', 'REJECTED', 'WITHDRAWN', 'UNREADABLE', 'REPLACED', 'RETRACTED', 'HELD'
    )
);

create table metadata.unread_key (
    object_id bigint not null references metadata.object_version,
    row_number bigint not null,
    hash_key bytea,
    primary key (object_id, row_number)
);

create index on metadata.unread_key (hash_key, object_id);

comment on table metadata.unread_key is
'Rows of complete lists that were rejected: the hash key that each is about, which the list so does not lack; null where '
'that cannot be read.';
