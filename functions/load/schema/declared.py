"""What the model declares beside its tables, written to the database by every migration: it may change without one."""

from psycopg import sql

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.load.schema.metric_layer import apply_metric_layer
from functions.model.classification import Classification
from functions.model.declaration import Model
from functions.model.metrics import MetricLayer
from functions.model.render.masked_views import SCHEMA, render_masked_views


def declare(connection: Connection, model: Model, layer: MetricLayer) -> None:
    """Retention, the class of each column, the metric layer, and the views without persons, which are replaced."""
    classification = Classification(model)
    window = model.late_window_days
    connection.execute("delete from metadata.retention")
    connection.execute("delete from metadata.column_class")
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into metadata.retention (store, class, days) values (%s, %s, %s)",
            [*model.retention.rows(), *([("record_tracking", "other", window)] if window else [])],
        )
        cursor.executemany(
            "insert into metadata.column_class (source, column_name, class) values (%s, %s, %s)",
            list(classification.columns()),
        )
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(SCHEMA)))
    apply_metric_layer(connection, layer)
    views = {
        name: [(column, kind) for column, kind in columns]
        for name, columns in connection.execute(read_sql("load/business_views.sql"))
    }
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
    for statement in render_masked_views(classification, views):
        connection.execute(statement)
