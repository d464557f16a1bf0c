"""A build in the cluster: without root, its login in a secret, and no more than a config map holds."""

from __future__ import annotations

import base64
import gzip
import os
from dataclasses import replace

import pytest

from operations.builders import Build, buildkit
from terminal import UserError

LOGIN = {"auths": {"registry": {"auth": "c2VjcmV0"}}}


def test_the_pod_is_not_root_has_no_token_and_gets_the_login_from_the_secret_alone(wanted: Build) -> None:
    namespace, contexts, secret, job = buildkit.objects(wanted, LOGIN)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"]["runAsNonRoot"] is True
    assert "privileged" not in container["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert "c2VjcmV0" in secret["stringData"][".dockerconfigjson"]
    assert "c2VjcmV0" not in str([namespace, contexts, job])
    assert job["spec"]["backoffLimit"] == 0


def test_the_context_and_the_arguments_reach_the_build(wanted: Build) -> None:
    _, contexts, _, job = buildkit.objects(wanted, LOGIN)
    packed = gzip.decompress(base64.b64decode(contexts["binaryData"]["context.tar.gz"]))
    assert b"FROM x" in packed
    values = {one["name"]: one["value"] for one in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert values["BASE"] == wanted.base
    assert values["NAME"] == wanted.name
    for name in ("BASE", "REVISION", "EXPECT", "PLATFORM", "NAME"):
        assert f"${name}" in buildkit.SCRIPT


def test_a_context_that_no_config_map_holds_is_refused(wanted: Build) -> None:
    large = replace(wanted, content={"Dockerfile": os.urandom(900_000)})
    with pytest.raises(UserError, match="fit into a config map"):
        buildkit.objects(large, LOGIN)
