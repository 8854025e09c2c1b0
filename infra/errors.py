"""What can be wrong with a deployment before AWS is asked: each is shown as one line by app.py."""

from functions.common.errors import C360Error


class DeploymentError(C360Error):
    """Synthesis cannot go on; the message says what to change."""


class ConfigError(DeploymentError):
    """A context value (`-c key=value`, cdk.json) is unknown or wrong."""


class BundleError(DeploymentError):
    """The functions' deployment package could not be built."""


class BudgetError(DeploymentError):
    """The deployment would cost more when idle than `-c budget=` allows."""
