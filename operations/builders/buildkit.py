"""With BuildKit in the cluster, without root and without a container engine: a Job that builds and pushes.

The context travels in a config map, the login to the registry in a secret; both go with the Job's namespace.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from catalog import releases
from operations.builders import Build
from terminal import UserError
from training.image import context

NAMESPACE = "image-build"
CONTEXT_LIMIT = 1 << 20
"""A config map holds at most 1 MiB (Kubernetes, "ConfigMaps")."""
DEADLINE_S = 5400
POLL_S = 5.0
SCRIPT = """\
set -eu
mkdir -p /tmp/context && tar -xzf /context/context.tar.gz -C /tmp/context
buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=/tmp/context --local dockerfile=/tmp/context \
  --opt "platform=$PLATFORM" --opt "build-arg:BASE=$BASE" --opt "build-arg:REVISION=$REVISION" \
  --opt "build-arg:EXPECT=$EXPECT" --opt attest:sbom= --opt attest:provenance=mode=max \
  --output "type=image,name=$NAME,push=true" --metadata-file /tmp/metadata.json
grep -o '"containerimage.digest": *"[^"]*"' /tmp/metadata.json | grep -o 'sha256:[0-9a-f]*' > /dev/termination-log
"""


def objects(wanted: Build, login: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everything of one build as plain data. Raises UserError when the context is too large for a config map."""
    archive = base64.b64encode(context.tar(wanted.content)).decode()
    if len(archive) > CONTEXT_LIMIT:
        raise UserError(f"the build context has {len(archive):,} bytes; {CONTEXT_LIMIT:,} fit into a config map")
    name = f"image-{wanted.tag}"
    meta = {"name": name, "namespace": NAMESPACE}
    baseline = {"pod-security.kubernetes.io/enforce": "privileged"}  # BuildKit without root makes user namespaces
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": baseline}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "binaryData": {"context.tar.gz": archive}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": meta,
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(login)},
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": meta,
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": DEADLINE_S,
                "ttlSecondsAfterFinished": 600,
                "template": {"spec": _pod(wanted, name)},
            },
        },
    ]


def _pod(wanted: Build, name: str) -> dict[str, Any]:
    values = {**wanted.arguments, "PLATFORM": wanted.platform, "NAME": wanted.name}
    unconfined = {"type": "Unconfined"}  # BuildKit documentation, "Rootless mode"
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "build",
                "image": releases["buildkit-rootless"].image,
                "command": ["sh", "-c", SCRIPT],
                "env": [
                    *({"name": key, "value": value} for key, value in values.items()),
                    {"name": "BUILDKITD_FLAGS", "value": "--oci-worker-no-process-sandbox"},
                    {"name": "DOCKER_CONFIG", "value": "/login"},
                ],
                "securityContext": {
                    "runAsUser": 1000,
                    "runAsGroup": 1000,
                    "runAsNonRoot": True,
                    "seccompProfile": unconfined,
                    "appArmorProfile": unconfined,
                },
                "resources": {"requests": {"cpu": "2", "memory": "8Gi", "ephemeral-storage": "100Gi"}},
                "volumeMounts": [
                    {"name": "context", "mountPath": "/context", "readOnly": True},
                    {"name": "login", "mountPath": "/login", "readOnly": True},
                    {"name": "state", "mountPath": "/home/user/.local/share/buildkit"},
                ],
            }
        ],
        "volumes": [
            {"name": "context", "configMap": {"name": name}},
            {
                "name": "login",
                "secret": {"secretName": name, "items": [{"key": ".dockerconfigjson", "path": "config.json"}]},
            },
            {"name": "state", "emptyDir": {}},
        ],
    }


def build(wanted: Build, kubeconfig: Mapping[str, Any], login: Mapping[str, Any], say: Callable[[str], None]) -> str:
    """Create the objects, wait for the Job, remove them; returns the digest. Raises UserError."""
    from kubernetes import client, config, dynamic

    api = dynamic.DynamicClient(config.new_client_from_config_dict(dict(kubeconfig)))
    made = objects(wanted, login)
    namespace = api.resources.get(api_version="v1", kind="Namespace")
    for document in made:
        kind = api.resources.get(api_version=document["apiVersion"], kind=document["kind"])
        kind.server_side_apply(document, field_manager="ai-datacenter", force_conflicts=True)
    say(f"job {NAMESPACE}/{made[-1]['metadata']['name']}")
    core = client.CoreV1Api(api.client)
    try:
        return _wait(client.BatchV1Api(api.client), core, made[-1]["metadata"]["name"])
    finally:
        namespace.delete(name=NAMESPACE)  # with all that is in it, the login above all


def _wait(batch: Any, core: Any, name: str) -> str:
    while True:
        status = batch.read_namespaced_job_status(name, NAMESPACE).status
        if status.succeeded or status.failed:
            break
        if any(one.type == "Failed" and one.status == "True" for one in status.conditions or ()):
            break
        time.sleep(POLL_S)
    pods = core.list_namespaced_pod(NAMESPACE, label_selector=f"batch.kubernetes.io/job-name={name}").items
    for pod in pods:
        for one in pod.status.container_statuses or ():
            ended = one.state.terminated
            if ended and ended.exit_code == 0 and (ended.message or "").startswith("sha256:"):
                return str(ended.message).strip()
            if ended:
                tail = core.read_namespaced_pod_log(pod.metadata.name, NAMESPACE, tail_lines=20)
                raise UserError([*tail.splitlines(), f"the build ended with exit code {ended.exit_code}"])
    raise UserError(f"job {NAMESPACE}/{name} failed before its container ran; it was given {DEADLINE_S} s")
