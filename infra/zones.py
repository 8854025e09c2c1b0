"""What has to be in the region: zones by id (`use1-az3` is the same in every account, `us-east-1a` is not), and the
API's certificate."""

from infra.config import DeploymentConfig
from infra.errors import ConfigError
from infra.options import StreamKind

REFUSED_BY_MSK = ("use1-az3",)
"""MSK developer guide: clusters cannot be created in this zone."""
_NEEDS_ZONES = {"us-east-1"}
_MSK = (StreamKind.PROVISIONED, StreamKind.SERVERLESS)
_LIST = "`aws ec2 describe-availability-zones --query AvailabilityZones[].ZoneId` lists the region's"


def region_code(region: str) -> str:
    """What ids of the region's zones start with: `use1` of us-east-1, `apne3` of ap-northeast-3, `usgw1` of GovCloud.

    Directions are shortened to their initials ("AZ IDs", AWS RAM user guide).
    """
    first, *words, number = region.split("-")
    initials = {"northeast": "ne", "southeast": "se", "northwest": "nw", "southwest": "sw"}
    return first + "".join(initials.get(word, word[:1]) for word in words) + number


def check_zones(deployment: DeploymentConfig, region: str) -> None:
    """Raises ConfigError when the zones cannot hold the deployment; `region`: "" while it is not known.

    Without `zones`, CloudFormation takes the account's first two, which can be one that MSK refuses.
    """
    refused = [zone for zone in deployment.zones if zone in REFUSED_BY_MSK]
    if deployment.stream in _MSK and refused:
        raise ConfigError(f"zones={','.join(deployment.zones)}: MSK has no brokers in {refused[0]}; {_LIST}")
    if deployment.stream in _MSK and not deployment.zones and region in _NEEDS_ZONES:
        raise ConfigError(
            f"stream={deployment.stream} in {region} needs zones, two of them by id, since MSK refuses"
            f" {', '.join(REFUSED_BY_MSK)} there: for example -c zones={region_code(region)}-az1,"
            f"{region_code(region)}-az2; {_LIST}"
        )
    for zone in deployment.zones:
        if region and not zone.startswith(f"{region_code(region)}-"):
            raise ConfigError(f"zones={','.join(deployment.zones)}: {zone} is not in {region}; {_LIST}")


def check_certificate(deployment: DeploymentConfig, region: str) -> None:
    """Raises ConfigError when the API's certificate is of another region, which a regional domain name cannot use."""
    if not deployment.certificate_arn or not region:
        return
    other = deployment.certificate_arn.split(":")[3]
    if other != region:
        raise ConfigError(
            f"certificate_arn={deployment.certificate_arn} is of {other}: the API's name needs one in {region}"
        )
