"""`python -m sandbox.kubernetes.jobset`: the JobSet controller, for stacks that run job sets.

Gives the cluster the resource definition, the role and the webhooks of the controller's own module, then becomes the
controller. Upstream runs it as a pod behind a Service; here it is a process of this machine, so three things differ: it
signs in with a client certificate instead of a service account (with the same role), the webhooks name its address
instead of a Service, and their certificate is the sandbox's instead of one that the controller makes itself. The
webhooks for pods see pods of job sets only, as upstream's kustomize patches have it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from sandbox import toolchain
from sandbox.kubernetes.connection import TIMEOUT, connect
from sandbox.kubernetes.pki import write_if_changed
from sandbox.settings import Settings
from sandbox.toolchain.jobset import DEFINITION, ROLE, WEBHOOKS

NAME = "jobset"
USER = "sandbox:jobset"
"""Whom its certificate names (pki.CLIENTS)."""
DEFINITION_NAME = "jobsets.jobset.x-k8s.io"
PODS_OF_JOB_SETS = {"matchExpressions": [{"key": "jobset.sigs.k8s.io/jobset-name", "operator": "Exists"}]}
RBAC = "rbac.authorization.k8s.io"
ESTABLISHED_LIMIT = 30.0
"""Seconds until the API server serves a new resource definition; takes less than one."""


def configuration(settings: Settings) -> dict[str, Any]:
    """The controller's configuration file."""
    return {
        "apiVersion": "config.jobset.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "webhook": {"host": "127.0.0.1", "port": settings.ports[NAME], "certDir": str(certificates(settings))},
        "metrics": {"bindAddress": "0"},  # nobody reads them
        "health": {"healthProbeBindAddress": f"127.0.0.1:{settings.ports['jobset-health']}"},
    }


def certificates(settings: Settings) -> Path:
    """Where the controller finds the certificate of its webhooks, under the names it looks for."""
    return settings.pki / NAME


def webhooks(text: str, settings: Settings) -> list[dict[str, Any]]:
    """Upstream's webhook configurations, for a controller that is a process of this machine."""
    authority = base64.b64encode((settings.pki / "ca.crt").read_bytes()).decode()
    found = [document for document in yaml.safe_load_all(text) if document]
    for document in found:
        document["metadata"]["name"] = f"{NAME}-{document['metadata']['name']}"
        for hook in document["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            address = f"https://127.0.0.1:{settings.ports[NAME]}{path}"
            hook["clientConfig"] = {"url": address, "caBundle": authority}
            if any("pods" in rule["resources"] for rule in hook["rules"]):
                hook["objectSelector"] = PODS_OF_JOB_SETS
    return found


def access(text: str) -> list[dict[str, Any]]:
    """Upstream's role, and its binding to the certificate's user."""
    role = yaml.safe_load(text)
    role["metadata"]["name"] = USER
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": USER}],
    }
    return [role, binding]


def install(settings: Settings, folder: Path) -> None:
    """Put everything into the cluster that the controller needs; changes nothing the second time.

    `folder` holds the files of the module. Raises what the Kubernetes client raises.
    """
    api = connect(settings)
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    # As text: reading its 800 kB here would take seconds.
    _apply(api, f"{definitions}/{DEFINITION_NAME}", (folder / DEFINITION).read_text(encoding="utf-8"))
    for document in access((folder / ROLE).read_text(encoding="utf-8")):
        plural = f"{document['kind'].lower()}s"
        _apply(api, f"/apis/{RBAC}/v1/{plural}/{document['metadata']['name']}", json.dumps(document))
    for document in webhooks((folder / WEBHOOKS).read_text(encoding="utf-8"), settings):
        plural = f"{document['kind'].lower()}s"
        path = f"/apis/admissionregistration.k8s.io/v1/{plural}/{document['metadata']['name']}"
        _apply(api, path, json.dumps(document))
    _wait_established(api)


def _apply(api: client.ApiClient, path: str, text: str) -> None:
    """Server-side apply of a document as text."""
    address = f"{api.configuration.host}{path}?fieldManager=sandbox&force=true"
    kind = {"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}
    answer: Any = api.call_api("PATCH", address, header_params=kind, body=text, _request_timeout=TIMEOUT)
    answer.read()
    if answer.status not in (200, 201):
        raise ApiException(http_resp=answer)


def _wait_established(api: client.ApiClient) -> None:
    definitions: Any = client.ApiextensionsV1Api(api)
    end = time.monotonic() + ESTABLISHED_LIMIT
    while True:
        found = definitions.read_custom_resource_definition(
            DEFINITION_NAME, _preload_content=False, _request_timeout=TIMEOUT
        )
        conditions = json.loads(found.data)["status"].get("conditions") or []
        if any(one["type"] == "Established" and one["status"] == "True" for one in conditions):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{DEFINITION_NAME} is not served after {ESTABLISHED_LIMIT:.0f} s")
        time.sleep(0.1)


def main() -> None:
    """Prepare, and become the controller. Ends with 1 when the tool or the API server is not there."""
    settings = Settings.load()
    tool = toolchain.installed(NAME, settings)
    if tool is None:
        sys.exit("the JobSet controller is not installed; `make up` of a stack that runs job sets gets it")
    folder = certificates(settings)
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("crt", "key"):
        shutil.copyfile(settings.pki / f"kubelet.{name}", folder / f"tls.{name}")
        (folder / f"tls.{name}").chmod(0o600)
    path = settings.state / "jobset.yaml"
    write_if_changed(path, yaml.safe_dump(configuration(settings)))
    try:
        install(settings, tool.path.parent)
    except (ApiException, OSError, TimeoutError) as problem:
        sys.exit(f"the Kubernetes API does not take the definition of job sets: {problem}")
    kubeconfig = settings.pki / f"{NAME}.kubeconfig"
    flags = (f"--kubeconfig={kubeconfig}", f"--config={path}", "--zap-log-level=info", "--zap-devel=false")
    os.execv(tool.path, tool.command(*flags))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
