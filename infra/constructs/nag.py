"""Findings of cdk-nag that we accept, each with its reason, next to the resource they are about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(construct: IConstruct, reasons: dict[str, str]) -> None:
    """Accept findings on `construct` and what is below it: AwsSolutions rule (`IAM5[Resource::*]`) -> reason."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason) for rule, reason in reasons.items())
    )
