"""Settings of the Spark session that runs a job: those that its results depend on, wherever it runs."""

# What Spark compiles of a statement is often longer than what the JVM compiles to machine code unless it is told to.
_JAVA = "-Duser.timezone=UTC -XX:-DontCompileHugeMethods"

SESSION = {
    # instants and days are computed in UTC, and a value that does not fit is an error, never NULL
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.extraJavaOptions": _JAVA,
    "spark.executor.extraJavaOptions": _JAVA,
    "spark.sql.ansi.enabled": "true",
    # days before 1582 are those that PostgreSQL and Iceberg count, in the scratch files too
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    # partitions by their bytes, and a hash table of one, where it fits, in place of sorting both sides
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "32m",
    "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold": "64m",
    # scratch files and shuffles hold hashes, which nothing makes smaller
    "spark.sql.parquet.compression.codec": "lz4",
    "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
    # no catalog but that one: EMR's own would be Glue's, whose database `default` the job may not even look for
    "spark.sql.catalogImplementation": "in-memory",
    # what another writer commits is seen at once
    "spark.sql.catalog.lake.cache-enabled": "false",
}


def file_catalog(warehouse: str) -> dict[str, str]:
    """Settings of a catalog that is a folder: for one machine, where nobody else writes."""
    return {"spark.sql.catalog.lake.type": "hadoop", "spark.sql.catalog.lake.warehouse": warehouse}


NAMESPACE_SETTING = "spark.c360.namespace"
"""Which namespace of the catalog holds the vault, where it is not `raw_vault`: a Glue database of the deployment's."""


def glue_catalog(warehouse: str) -> dict[str, str]:
    """Settings of a catalog that is AWS Glue's, with the tables' files in S3 below `warehouse`."""
    return {
        "spark.sql.catalog.lake.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.lake.warehouse": warehouse,
    }
