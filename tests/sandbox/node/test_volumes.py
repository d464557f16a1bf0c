"""Volumes as folders of this machine."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.node.environment import ConfigProblem
from sandbox.node.launch import Mount
from sandbox.node.volumes import Volumes


class Store:
    """One config map, one secret, tokens that count, claims by name."""

    def __init__(self) -> None:
        self.tokens = 0
        self.claims: dict[str, dict[str, Any]] = {}

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None:
        return {"settings": {"a.txt": b"A", "b.txt": b"B"}}.get(name)

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        return {"keys": {"token": b"s3cret"}}.get(name)

    def token(self, pod: dict[str, Any], audience: str | None, seconds: int) -> str:
        self.tokens += 1
        return f"{pod['metadata']['name']} {audience} {seconds} {self.tokens}"

    def claim(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self.claims.get(name)


def pod(*volumes: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "n", "uid": "u", "labels": {"app": "x"}}
    return {
        "metadata": metadata,
        "spec": {"volumes": list(volumes), "containers": [{"name": "c"}]} | spec,
        "status": {},
    }


def prepared(folder: Path, *volumes: dict[str, Any], store: Store | None = None, **spec: Any) -> Volumes:
    found = Volumes(pod(*volumes, **spec), folder, folder / "memory", store or Store(), {})
    found.prepare()
    return found


def test_pods_that_claim_the_same_file_system_share_a_folder(tmp_path: Path) -> None:
    store = Store()
    for name in ("one", "two"):
        store.claims[name] = {"spec": {"csi": {"driver": "fsx.csi.aws.com", "volumeHandle": "fs-1"}}}
    seen = []
    for name in ("one", "two"):
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
        found = Volumes(pod(volume), tmp_path / name, tmp_path / "memory", store, {}, tmp_path / "shared")
        found.prepare()
        seen += found.mounts({"volumeMounts": [{"name": "data", "mountPath": "/data"}]}, {})
    assert {mount.source for mount in seen} == {str(tmp_path / "shared" / "fs-1")}


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_config_map_becomes_files_all_or_the_chosen_ones(tmp_path: Path) -> None:
    prepared(
        tmp_path,
        {"name": "all", "configMap": {"name": "settings"}},
        {
            "name": "one",
            "configMap": {"name": "settings", "items": [{"key": "b.txt", "path": "deep/er", "mode": 0o400}]},
        },
    )
    assert files(tmp_path / "all") == {"a.txt": "A", "b.txt": "B"}
    assert files(tmp_path / "one") == {"deep/er": "B"}
    assert stat.S_IMODE((tmp_path / "one/deep/er").stat().st_mode) == 0o400


def test_a_projected_volume_puts_its_sources_together(tmp_path: Path) -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "audience": "sts", "expirationSeconds": 600}},
        {"configMap": {"name": "settings", "items": [{"key": "a.txt", "path": "ca.crt"}]}},
        {"secret": {"name": "keys", "items": [{"key": "token", "path": "word"}]}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels['app']"}}]}},
    ]
    prepared(tmp_path, {"name": "v", "projected": {"sources": sources}})
    assert files(tmp_path / "v") == {"token": "p sts 600 1", "ca.crt": "A", "word": "s3cret", "labels": "x"}


def test_tokens_are_renewed_before_they_end(tmp_path: Path) -> None:
    store = Store()
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
    volumes = prepared(tmp_path, {"name": "v", "projected": {"sources": [token]}}, store=store)
    assert volumes.renew_at
    assert 0 < volumes.renew_at - time.monotonic() < 600
    volumes.renew()
    assert files(tmp_path / "v")["token"].endswith(" 2")


@pytest.mark.parametrize(
    ("volume", "problem"),
    [
        ({"configMap": {"name": "none"}}, "volume v: configmap none not found"),
        ({"secret": {"secretName": "none"}}, "volume v: secret none not found"),
        ({"configMap": {"name": "settings", "items": [{"key": "z", "path": "z"}]}}, "volume v: key z not found"),
        (
            {"configMap": {"name": "settings", "items": [{"key": "a.txt", "path": "../../z"}]}},
            "must lie below the volume",
        ),
        ({"hostPath": {"path": "/no/such/place"}}, "hostPath /no/such/place"),
        ({"hostPath": {"path": "/etc/passwd", "type": "Directory"}}, "not a Directory"),
        ({"nfs": {"server": "x", "path": "/"}}, "volume v: nfs is not available on a process node"),
        ({"persistentVolumeClaim": {"claimName": "unbound"}}, "claim unbound is not bound"),
        ({"persistentVolumeClaim": {"claimName": "lustre"}}, "fsx.csi.aws.com is not available on a process node"),
    ],
)
def test_a_volume_that_cannot_be_had_is_named(tmp_path: Path, volume: dict[str, Any], problem: str) -> None:
    store = Store()
    store.claims["lustre"] = {"spec": {"csi": {"driver": "fsx.csi.aws.com"}}}
    with pytest.raises(ConfigProblem, match=problem):
        prepared(tmp_path, {"name": "v"} | volume, store=store)


def test_optional_sources_may_be_missing(tmp_path: Path) -> None:
    prepared(tmp_path, {"name": "v", "configMap": {"name": "none", "optional": True}})
    assert files(tmp_path / "v") == {}


def test_a_claim_on_a_local_volume_is_its_folder(tmp_path: Path) -> None:
    store = Store()
    store.claims["data"] = {"spec": {"hostPath": {"path": str(tmp_path)}}}
    volumes = prepared(tmp_path / "x", {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, store=store)
    assert volumes.mounts({"volumeMounts": [{"name": "v", "mountPath": "/d"}]}, {}) == [Mount(str(tmp_path), "/d")]


def test_everybody_may_write_an_empty_dir_and_what_is_in_it_survives_a_restart(tmp_path: Path) -> None:
    volume = {"name": "v", "emptyDir": {}}
    prepared(tmp_path, volume)
    (tmp_path / "v" / "kept").write_text("x")
    prepared(tmp_path, volume)
    assert stat.S_IMODE((tmp_path / "v").stat().st_mode) & 0o777 == 0o777
    assert files(tmp_path / "v") == {"kept": "x"}


def test_a_memory_volume_lies_in_the_folder_for_memory(tmp_path: Path) -> None:
    volumes = prepared(tmp_path, {"name": "v", "emptyDir": {"medium": "Memory"}})
    mount = volumes.mounts({"volumeMounts": [{"name": "v", "mountPath": "/d"}]}, {})[0]
    assert mount.source == str(tmp_path / "memory" / "v")
    assert Path(mount.source).is_dir()


def test_what_the_node_wrote_is_read_only_for_the_pod(tmp_path: Path) -> None:
    volumes = prepared(tmp_path, {"name": "v", "configMap": {"name": "settings"}}, {"name": "w", "emptyDir": {}})
    mounts = [{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"},
              {"name": "w", "mountPath": "/r", "readOnly": True}]  # fmt: skip
    assert [one.read_only for one in volumes.mounts({"volumeMounts": mounts}, {})] == [True, False, True]


def test_a_sub_path_lies_in_the_volume_and_nowhere_else(tmp_path: Path) -> None:
    volumes = prepared(tmp_path, {"name": "v", "emptyDir": {}})
    mount = {"name": "v", "mountPath": "/v", "subPathExpr": "rank-$(RANK)"}
    assert volumes.mounts({"volumeMounts": [mount]}, {"RANK": "3"})[0].source == str(tmp_path / "v" / "rank-3")
    with pytest.raises(ConfigProblem, match="must lie below the volume"):
        volumes.mounts({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "../../etc"}]}, {})


def test_a_mount_of_a_volume_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="volumeMount x: the pod has no such volume"):
        prepared(tmp_path).mounts({"volumeMounts": [{"name": "x", "mountPath": "/x"}]}, {})


def test_fs_group_may_do_what_the_owner_may(tmp_path: Path) -> None:
    group = Path("/proc/self").stat().st_gid
    prepared(tmp_path, {"name": "v", "secret": {"secretName": "keys", "defaultMode": 0o600}},
             securityContext={"fsGroup": group})  # fmt: skip
    found = (tmp_path / "v" / "token").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, group)
