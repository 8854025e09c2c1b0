-- The class of personal data of each column of each source, as the model declares it, written by every migration.
create table metadata.column_class (
    source text not null,
    column_name text not null,
    class text not null,
    primary key (source, column_name)
);

comment on table metadata.column_class is
'What each column of a source tells of a person (functions/model/classification.py); one that is not here is personal.';
