"""What can be wrong with a deployment before AWS is asked: each is shown as one line by app.py."""

from functions.common.errors import C360Error


class SynthesisError(C360Error):
    """Synthesis cannot go on; the message says what to change."""


class ConfigError(SynthesisError):
    """A context value (`-c key=value`, cdk.json) is unknown or wrong."""


class BundleError(SynthesisError):
    """The functions' deployment package could not be built."""


class BudgetError(SynthesisError):
    """The deployment would cost more when idle than `-c budget=` allows."""
