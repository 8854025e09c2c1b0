"""The raw vault on Apache Spark and Iceberg tables, by the ledger and the model of the one in PostgreSQL."""

from pathlib import Path


def spark_job_file() -> Path:
    """The file that Spark runs (spark_job.py), which only Spark's own environment can import."""
    return Path(__file__).parent / "spark_job.py"


def spark_main_file() -> Path:
    """The file that Spark starts with (spark_main.py) when a job lies in a folder, beside those that it imports."""
    return Path(__file__).parent / "spark_main.py"


def spark_module_files() -> list[Path]:
    """The files that spark_main.py imports."""
    return sorted(set(Path(__file__).parent.glob("spark_*.py")) - {spark_main_file()})
