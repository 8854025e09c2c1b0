"""LocalStack's gateway with guards before everything else that it does with a request."""

from functools import cached_property

from c360_localstack import access
from c360_localstack.hosts import refuse_foreign_names

if access.is_private:
    access.know_own_calls()

from localstack.aws import handlers
from localstack.aws.components import AwsComponents


class GuardedComponents(AwsComponents):
    name = "c360"

    @cached_property
    def gateway(self):
        gateway = super().gateway
        if access.is_private:
            routes = gateway.request_handlers.index(handlers.serve_edge_router_rules)
            gateway.request_handlers.insert(routes + 1, access.end_api_calls)
            gateway.request_handlers.insert(0, access.let_holders_in)
        gateway.request_handlers.insert(0, refuse_foreign_names)
        return gateway
