"""Which engine keeps the raw vault. No other one may load it: it lacks what was loaded."""

from typing import Literal

from functions.common.database import Connection
from functions.common.errors import C360Error

type Engine = Literal["postgresql", "spark"]

_RECORDED = """select coalesce(
    (select engine from metadata.vault_engine),
    (select 'postgresql' where exists (select from metadata.vault_load))
)"""


class EngineMismatchError(C360Error):
    """The deployment's engine is not the one that keeps the vault."""


def recorded_engine(connection: Connection) -> Engine | None:
    """The engine that keeps the vault; None while nothing was ever loaded."""
    row = connection.execute(_RECORDED).fetchone()
    return row[0] if row else None


def require_engine(connection: Connection, engine: Engine) -> None:
    """Return when this engine may load the vault; one that begins an empty vault is recorded.

    Raises EngineMismatchError.
    """
    recorded = recorded_engine(connection)
    if recorded is None and engine == "spark":
        record_engine(connection, engine)
    if recorded not in (None, engine):
        raise EngineMismatchError(
            f"the vault is kept by {recorded}, and this deployment loads by {engine}, which lacks what was loaded:"
            f" deploy with -c engine={recorded}, or move the vault with c360 engine migrate {engine}"
        )


def record_engine(connection: Connection, engine: Engine) -> None:
    """Say that this engine keeps the vault from now on."""
    connection.execute(
        "insert into metadata.vault_engine (engine) values (%s)"
        " on conflict (is_only) do update set engine = excluded.engine, since = now()",
        (engine,),
    )
