-- The parts that files are staged in: one for most, byte ranges of their own for big ones.
create table metadata.object_part (
    object_id bigint not null references metadata.object_version,
    part integer not null,
    first_byte bigint,
    end_byte bigint,
    first_row bigint not null default 1,
    first_line bigint not null default 2,
    rows_expected bigint,
    rows_read bigint,
    rows_quarantined bigint,
    lines_read bigint,
    measures jsonb not null default '{}',
    staged_at timestamptz,
    primary key (object_id, part)
);

comment on table metadata.object_part is
'The parts of a file, staged each in a transaction of its own; a file that is not split is one part without bytes.';
comment on column metadata.object_part.end_byte is 'The byte after the last one.';
comment on column metadata.object_part.first_line is 'The line of the file on which the part begins; the header is 1.';
comment on column metadata.object_part.staged_at is 'When its rows were staged; null before.';

create function metadata.line_of(of_object bigint, of_row bigint) returns bigint
language sql stable as $$
    select p.first_line + of_row - p.first_row
    from metadata.object_part as p
    where p.object_id = of_object
        and p.lines_read = p.rows_read
        and of_row >= p.first_row
        and of_row < p.first_row + p.rows_read
$$;

comment on function metadata.line_of is
'The line of its file on which a row stands, the header being 1; null where rows and lines of its part do not go in step
(cells with line ends, blank lines). Rows in quarantine have their line always.';
