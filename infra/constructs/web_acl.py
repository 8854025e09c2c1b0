"""A web ACL before the API: what AWS knows to be attacks, and a rate for each address (`-c waf=enabled`)."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

MOST_REQUESTS = 2_000
"""Of one address in five minutes."""
_MANAGED = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")


class WebAcl(Construct):
    """Blocks what matches a rule; all else passes to the stage's own throttling and keys.

    The common rules' limit on the length of a query string is only counted: cursors and filters are longer.
    """

    def __init__(self, scope: Construct, construct_id: str, stage: apigateway.Stage) -> None:
        super().__init__(scope, construct_id)
        kind = wafv2.CfnWebACL
        managed = [
            kind.RuleProperty(
                name=name,
                priority=priority,
                override_action=kind.OverrideActionProperty(none={}),
                statement=kind.StatementProperty(
                    managed_rule_group_statement=kind.ManagedRuleGroupStatementProperty(
                        vendor_name="AWS",
                        name=name,
                        rule_action_overrides=(
                            [
                                kind.RuleActionOverrideProperty(
                                    name="SizeRestrictions_QUERYSTRING",
                                    action_to_use=kind.RuleActionProperty(count={}),
                                )
                            ]
                            if name == _MANAGED[0]
                            else None
                        ),
                    )
                ),
                visibility_config=_seen_as(name),
            )
            for priority, name in enumerate(_MANAGED, 1)
        ]
        rate = kind.RuleProperty(
            name="Rate",
            priority=0,
            action=kind.RuleActionProperty(block={}),
            statement=kind.StatementProperty(
                rate_based_statement=kind.RateBasedStatementProperty(limit=MOST_REQUESTS, aggregate_key_type="IP")
            ),
            visibility_config=_seen_as("Rate"),
        )
        acl = kind(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=kind.DefaultActionProperty(allow={}),
            rules=[rate, *managed],
            visibility_config=_seen_as("Api"),
        )
        association = wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn
        )
        association.node.add_dependency(stage)


def _seen_as(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    """A metric; no samples, which hold what callers sent."""
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
