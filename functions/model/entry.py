"""An entry of the model file, where it stands, and what is said when something is wrong with it."""

from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict

type Location = tuple[str | int, ...]
"""The keys and positions that lead to an entry, as in ("hubs", "hub_customer", "sources", 0)."""

type Finding = tuple[Location, str]
"""Where something is wrong, and what."""


class Entry(BaseModel):
    """Frozen; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def nearest(wrong: str, known: list[str]) -> str | None:
    """The known name that a wrong one is close to."""
    return next(iter(get_close_matches(wrong, known, n=1)), None)


def suggestion(wrong: str, known: list[str]) -> str:
    """`; did you mean x?` when a known name is close, else nothing."""
    close = nearest(wrong, known)
    return f"; did you mean {close}?" if close else ""
