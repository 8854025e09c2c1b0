"""LocalStack's gateway with a guard before everything else that it does with a request."""

from functools import cached_property

from localstack.aws.components import AwsComponents

from c360_localstack.hosts import refuse_foreign_names


class GuardedComponents(AwsComponents):
    name = "c360"

    @cached_property
    def gateway(self):
        gateway = super().gateway
        gateway.request_handlers.insert(0, refuse_foreign_names)
        return gateway
