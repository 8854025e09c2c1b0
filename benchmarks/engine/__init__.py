"""The vault in PostgreSQL beside the vault in Iceberg tables, which Spark loads."""
