"""The network that the database is reached in: an isolated one of the deployment's own, or one that exists already."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import cast

from aws_cdk import Annotations, CfnResource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.nag import accept

PORT = 5432
HTTPS = ec2.Port.tcp(443)

type Services = dict[str, ec2.IInterfaceVpcEndpointService]
"""Of AWS, by their names."""


@dataclass(frozen=True)
class Network:
    """Where a function must run to reach the database."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    security_groups: list[ec2.ISecurityGroup]


class DatabaseNetwork(Construct):
    """A VPC, two of its subnets, and the security groups of the database and of those who reach it.

    `clients` may connect to PostgreSQL, `readers` reach S3.
    """

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    database: ec2.ISecurityGroup | None
    clients: ec2.SecurityGroup
    readers: ec2.SecurityGroup
    _way_to_s3 = "S3"
    quicksight: ec2.SecurityGroup | None = None

    @property
    def subnet_ids(self) -> list[str]:
        """Of both subnets."""
        return self.vpc.select_subnets(subnets=self.subnets.subnets, subnet_type=self.subnets.subnet_type).subnet_ids

    @property
    def one_subnet(self) -> ec2.SubnetSelection:
        """The first, for what is paid by the zone."""
        chosen = self.vpc.select_subnets(subnets=self.subnets.subnets, subnet_type=self.subnets.subnet_type)
        return ec2.SubnetSelection(subnets=[chosen.subnets[0]])

    @abstractmethod
    def reach(self, scope: Construct, clients: ec2.SecurityGroup, name: str, services: Services) -> None:
        """Let `clients` call AWS's `services`; what that takes is made in `scope`, in a group called `name`."""

    def of_function(self, *, reads_landing: bool) -> Network:
        """Where a function runs that signs in to PostgreSQL, and may reach S3."""
        groups: list[ec2.ISecurityGroup] = [self.clients]
        if reads_landing:
            groups.append(self.readers)
        return Network(self.vpc, self.subnets, groups)

    def group(self, scope: Construct, name: str, description: str) -> ec2.SecurityGroup:
        """A security group that lets nothing in or out yet."""
        return ec2.SecurityGroup(scope, name, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _add_groups(self, database: ec2.ISecurityGroup | None, port: int) -> None:
        """`database`: PostgreSQL's group; None: of a server elsewhere that lets `clients` in by itself."""
        self.database = database
        self.clients = self.group(self, "DatabaseClients", "Functions that sign in to PostgreSQL")
        self.readers = self.group(self, "S3Readers", "Functions that reach S3")
        if database is None:
            self.clients.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "PostgreSQL")
        else:
            self.clients.connections.allow_to(database, ec2.Port.tcp(port), "PostgreSQL")
        self.readers.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, self._way_to_s3)

    def _add_quicksight(self, database: ec2.ISecurityGroup) -> None:
        """QuickSight's network interfaces."""
        group = self.group(self, "QuickSight", "Network interfaces of QuickSight")
        group.connections.allow_to(database, ec2.Port.tcp(PORT), "PostgreSQL")
        # these interfaces do not keep track of connections: answers need a rule of their own (QuickSight user guide)
        group.add_ingress_rule(database, ec2.Port.all_tcp(), "Answers of PostgreSQL")
        self.quicksight = group

    def _reach_secrets(self) -> None:
        """For the migrator, who sets passwords, and for whoever signs in by one."""
        services: Services = {"Secrets Manager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER}
        self.reach(self, self.clients, "SecretsEndpoint", services)


class IsolatedNetwork(DatabaseNetwork):
    """Two zones without NAT or internet gateway (a NAT costs $33 a month and zone).

    Functions need PostgreSQL; the load and the migrator also S3, by its free gateway endpoint. IAM tokens are signed
    locally, so nobody needs Secrets Manager, whose interface endpoint would cost $7.30 a month, unless `passwords` are
    to be set.
    """

    # The only way out of these subnets is the gateway endpoint; its prefix list differs by region.
    _way_to_s3 = "S3 by the gateway endpoint"

    def __init__(
        self, scope: Construct, construct_id: str, *, quicksight: bool, passwords: bool, zones: tuple[str, ...]
    ) -> None:
        super().__init__(scope, construct_id)
        self.subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        vpc = self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
            ],
            # Nothing uses the default group; emptying it would take a custom resource of CDK's.
            restrict_default_security_group=False,
        )
        for subnet, zone in zip(vpc.isolated_subnets, zones, strict=bool(zones)):
            resource = cast(CfnResource, subnet.node.default_child)
            resource.add_property_deletion_override("AvailabilityZone")
            resource.add_property_override("AvailabilityZoneId", zone)
        accept(vpc, {"VPC7": "No packet can leave for, or come from, the internet: nothing to see in a flow log."})
        s3 = vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[self.subnets])
        self._keep_within_account(s3)
        database = self.group(self, "Database", "PostgreSQL")
        self._add_groups(database, PORT)
        if quicksight:
            self._add_quicksight(database)
        if passwords:
            self._reach_secrets()

    def _keep_within_account(self, endpoint: ec2.GatewayVpcEndpoint) -> None:
        """Nothing can be copied to somebody else's bucket from here, with whosever credentials.

        The migrator answers CloudFormation by a URL of CloudFormation's own buckets, which are called this in every
        region (CloudFormation user guide, "Setting up VPC endpoints for AWS CloudFormation").
        """
        stack = Stack.of(self)
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=["*"],
                conditions={"StringEquals": {"aws:ResourceAccount": stack.account}},
            )
        )
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[f"arn:{stack.partition}:s3:::cloudformation-custom-resource-response-*/*"],
            )
        )

    def reach(self, scope: Construct, clients: ec2.SecurityGroup, name: str, services: Services) -> None:
        """By interface endpoints in the first zone."""
        what = " and ".join(services)
        endpoints = self.group(scope, name, f"Interface endpoints: {what}")
        clients.connections.allow_to(endpoints, HTTPS, what)
        for service, described in services.items():
            ec2.InterfaceVpcEndpoint(
                scope,
                f"{service.replace(' ', '').title()}Endpoint",
                vpc=self.vpc,
                service=described,
                subnets=self.one_subnet,
                security_groups=[endpoints],
                open=False,
            )


class ExistingNetwork(DatabaseNetwork):
    """A VPC and two subnets that somebody else made, with their own ways to AWS: to S3, and to what the options need.

    No endpoint is made there: one for the same service may exist, and two with private names cannot. `elsewhere`: the
    database is a server that exists, in the group `database_group` where that is known.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: str,
        subnets: tuple[str, ...],
        quicksight: bool = False,
        passwords: bool = False,
        elsewhere: bool = False,
        database_group: str = "",
        port: int = PORT,
    ) -> None:
        super().__init__(scope, construct_id)
        # CDK wants names of zones; CloudFormation takes them from the subnets, and none of these gets into a template
        zones = ["one zone", "another zone"]
        self.vpc = ec2.Vpc.from_vpc_attributes(self, "Vpc", vpc_id=vpc, availability_zones=zones)
        chosen = [
            ec2.Subnet.from_subnet_attributes(self, zone.title(), subnet_id=subnet, availability_zone=zone)
            for subnet, zone in zip(subnets, zones, strict=True)
        ]
        for subnet in chosen:
            Annotations.of(subnet).acknowledge_warning(
                "@aws-cdk/aws-ec2:noSubnetRouteTableId", "No route is added to a network that is not ours."
            )
        self.subnets = ec2.SubnetSelection(subnets=chosen)
        database: ec2.ISecurityGroup | None = None
        if database_group:
            database = ec2.SecurityGroup.from_security_group_id(self, "Database", database_group)
        elif not elsewhere:
            database = self.group(self, "Database", "PostgreSQL")
        self._add_groups(database, port)
        if quicksight and database is not None:
            self._add_quicksight(database)
        if passwords:
            self._reach_secrets()

    def reach(self, scope: Construct, clients: ec2.SecurityGroup, name: str, services: Services) -> None:  # noqa: ARG002
        """By the VPC's own ways."""
        clients.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, " and ".join(services))


def let_in(scope: Construct, name: str, source: ec2.ISecurityGroup, target: ec2.ISecurityGroup) -> None:
    """Let `source` connect to PostgreSQL in `target`, by rules of the stack of `scope`, so that they go with it."""
    ec2.CfnSecurityGroupEgress(
        scope,
        f"{name}Out",
        group_id=source.security_group_id,
        destination_security_group_id=target.security_group_id,
        ip_protocol="tcp",
        from_port=PORT,
        to_port=PORT,
        description=f"PostgreSQL: {name}",
    )
    ec2.CfnSecurityGroupIngress(
        scope,
        f"{name}In",
        group_id=target.security_group_id,
        source_security_group_id=source.security_group_id,
        ip_protocol="tcp",
        from_port=PORT,
        to_port=PORT,
        description=f"PostgreSQL: {name}",
    )
