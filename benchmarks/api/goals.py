"""Goals as lines of what is printed: what was measured, what is wanted, and whether that is reached."""


def at_least(label: str, measured: float, wanted: float) -> str:
    """A share that should not be smaller."""
    return _line(label, measured, f"at least {wanted:.2f}", reached=measured >= wanted)


def at_most(label: str, measured: float, wanted: float) -> str:
    """A share that should not be greater."""
    return _line(label, measured, f"at most {wanted:.2f}", reached=measured <= wanted)


def _line(label: str, measured: float, wanted: str, *, reached: bool) -> str:
    return f"goal: {label}: {measured:.2f}, {wanted}: {'reached' if reached else 'missed'}"
