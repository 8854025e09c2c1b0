"""The c360 command."""


def main() -> None:
    """Run the command line."""
