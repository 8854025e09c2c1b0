"""The load in PostgreSQL, beside a bare COPY and the common approach."""
