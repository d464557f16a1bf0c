"""The volumes of a pod as folders of this machine, and where its containers see them.

Holds configMap, secret, emptyDir, hostPath, downwardAPI, projected (with service-account tokens, renewed in time) and
claims bound to a hostPath or local volume or to a network file system, for which a folder stands in. Leaves out: size
limits, changes of a config map or secret while the pod runs, other CSI volumes. What is not available is refused by
name.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.node import environment
from sandbox.node.api import Object
from sandbox.node.environment import ConfigProblem, decoded, expand
from sandbox.node.launch import Mount

TOKEN_SECONDS = 3607
"""What the API server itself asks for when a token is added to a pod."""
FILE_SYSTEM_DRIVERS = {"fsx.csi.aws.com"}
"""Network file systems that a folder of this machine stands in for: what one pod writes, all others read."""
RENEW_AT = 0.8
"""Share of a token's life after which the kubelet renews it."""


class Sources(environment.Sources, Protocol):
    """Where the content of volumes comes from."""

    def token(self, pod: Object, audience: str | None, seconds: int) -> str: ...

    def claim(self, namespace: str, name: str) -> Object | None:
        """The persistent volume bound to a claim; None when the claim is not bound."""
        ...


@dataclass(frozen=True)
class Item:
    """One file of a volume."""

    data: bytes
    mode: int


class Volumes:
    """The volumes of one pod under `folder`; those with `medium: Memory` under `memory`, a folder of a tmpfs.

    Network file systems are folders under `shared`; None: there are none.
    """

    def __init__(
        self, pod: Object, folder: Path, memory: Path, sources: Sources, node: Object, shared: Path | None = None
    ) -> None:
        self._pod, self._folder, self._memory, self._sources, self._node = pod, folder, memory, sources, node
        self._shared = shared
        self._places: dict[str, Path] = {}
        self.renew_at: float | None = None
        """Time (monotonic) at which a token must be renewed."""

    def prepare(self) -> None:
        """Make all volumes. Raises ConfigProblem naming the volume, ApiError when a source cannot be asked."""
        for volume in self._pod["spec"].get("volumes") or []:
            try:
                self._places[volume["name"]] = self._place(volume)
            except ConfigProblem as problem:
                raise ConfigProblem(f"volume {volume['name']}: {problem}") from None
            except OSError as problem:
                raise ConfigProblem(f"volume {volume['name']}: {problem}") from problem

    def renew(self) -> None:
        """Write volumes with tokens anew. Raises as `prepare`."""
        before, self.renew_at = self.renew_at, None
        try:
            self._write_tokens()
        except BaseException:
            self.renew_at = before  # still due
            raise

    def _write_tokens(self) -> None:
        for volume in self._pod["spec"].get("volumes") or []:
            if any("serviceAccountToken" in source for source in (volume.get("projected") or {}).get("sources") or []):
                self._place(volume)

    def mounts(self, container: Object, variables: dict[str, str]) -> list[Mount]:
        """Where the container sees them. Raises ConfigProblem for a volume that the pod does not have."""
        kinds = {volume["name"]: volume for volume in self._pod["spec"].get("volumes") or []}
        found = []
        for mount in container.get("volumeMounts") or []:
            name = mount["name"]
            if name not in self._places:
                raise ConfigProblem(f"volumeMount {name}: the pod has no such volume")
            part = expand(mount["subPathExpr"], variables) if "subPathExpr" in mount else mount.get("subPath", "")
            source = self._inside(self._places[name], part)
            # Written by the node, so read-only for the pod, as with the kubelet.
            written = kinds[name].keys() & {"configMap", "secret", "downwardAPI", "projected"}
            found.append(Mount(str(source), mount["mountPath"], bool(mount.get("readOnly") or written)))
        return found

    def _inside(self, place: Path, part: str) -> Path:
        if not part:
            return place
        if Path(part).is_absolute() or ".." in Path(part).parts:
            raise ConfigProblem(f"subPath {part}: must lie below the volume")
        source = place / part
        if not source.exists():
            source.mkdir(parents=True)
            self._give_group(source)
        return source

    def _place(self, volume: Object) -> Path:
        if (source := volume.get("hostPath")) is not None:
            return _host_path(source)
        if (source := volume.get("persistentVolumeClaim")) is not None:
            return self._claimed(source["claimName"])
        in_memory = (volume.get("emptyDir") or {}).get("medium") == "Memory"
        place = (self._memory if in_memory else self._folder) / volume["name"]
        if volume.get("emptyDir") is not None:
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o777)
            self._give_group(place)
            return place
        place.mkdir(parents=True, exist_ok=True)
        for path, item in self._content(volume).items():
            self._write(place, path, item)
        return place

    def _content(self, volume: Object) -> dict[str, Item]:
        """Relative path -> file of a volume that the node writes."""
        if (projected := volume.get("projected")) is not None:
            found: dict[str, Item] = {}
            for source in projected.get("sources") or []:
                found |= self._source(source, projected.get("defaultMode", 0o644))
            return found
        for kind in ("configMap", "secret", "downwardAPI"):
            if (source := volume.get(kind)) is not None:
                return self._source({kind: source}, source.get("defaultMode", 0o644))
        kinds = ", ".join(key for key in volume if key != "name")
        raise ConfigProblem(f"{kinds} is not available on a process node")

    def _source(self, source: Object, mode: int) -> dict[str, Item]:
        namespace = self._pod["metadata"]["namespace"]
        if (one := source.get("configMap")) is not None:
            data = self._sources.config_map(namespace, one["name"])
            return _pick(decoded(data, f"configmap {one['name']}", one.get("optional", False)), one, mode)
        if (one := source.get("secret")) is not None:
            name = one.get("secretName") or one["name"]
            data = self._sources.secret(namespace, name)
            return _pick(decoded(data, f"secret {name}", one.get("optional", False)), one, mode)
        if (one := source.get("downwardAPI")) is not None:
            return {item["path"]: Item(self._downward(item), item.get("mode", mode)) for item in one.get("items") or []}
        if (one := source.get("serviceAccountToken")) is not None:
            seconds = one.get("expirationSeconds", TOKEN_SECONDS)
            token = self._sources.token(self._pod, one.get("audience"), seconds)
            due = time.monotonic() + seconds * RENEW_AT
            self.renew_at = min(self.renew_at or due, due)
            return {one["path"]: Item(token.encode(), mode)}
        raise ConfigProblem(f"{', '.join(source)} is not available on a process node")

    def _downward(self, item: Object) -> bytes:
        if reference := item.get("fieldRef"):
            return environment.field(self._pod, reference["fieldPath"]).encode()
        reference = item["resourceFieldRef"]
        containers = [*(self._pod["spec"].get("initContainers") or []), *self._pod["spec"]["containers"]]
        container = next((one for one in containers if one["name"] == reference.get("containerName")), containers[-1])
        divisor = str(reference.get("divisor", ""))
        return environment.resource(container, reference["resource"], divisor, self._node).encode()

    def _claimed(self, name: str) -> Path:
        volume = self._sources.claim(self._pod["metadata"]["namespace"], name)
        if volume is None:
            raise ConfigProblem(f"claim {name} is not bound")
        source = volume["spec"].get("hostPath") or volume["spec"].get("local")
        if source is not None:
            return _host_path(source)
        csi = volume["spec"].get("csi") or {}
        if self._shared and csi.get("driver") in FILE_SYSTEM_DRIVERS:
            return self._file_system(self._shared / Path(csi["volumeHandle"]).name)
        kind = csi.get("driver") or "its kind of storage"
        raise ConfigProblem(f"claim {name}: {kind} is not available on a process node")

    def _file_system(self, place: Path) -> Path:
        """A folder of this machine in the place of a network file system; the same one for all pods of all nodes."""
        if not place.exists():
            place.mkdir(parents=True)
            self._give_group(place)
        return place

    def _write(self, place: Path, path: str, item: Item) -> None:
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise ConfigProblem(f"{path}: must lie below the volume")
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        temporary.write_bytes(item.data)
        temporary.chmod(item.mode)
        self._give_group(temporary)
        temporary.replace(target)

    def _give_group(self, path: Path) -> None:
        """`fsGroup` owns the pod's volumes and may do what their owner may."""
        group = (self._pod["spec"].get("securityContext") or {}).get("fsGroup")
        if group is not None:
            with contextlib.suppress(PermissionError):  # without root there are no other groups to give it to
                os.chown(path, -1, group)
            mode = path.stat().st_mode
            path.chmod(mode & 0o7777 | (mode & 0o700) >> 3 | (0o2000 if path.is_dir() else 0))


def _pick(data: dict[str, bytes], source: Object, mode: int) -> dict[str, Item]:
    """All keys, or the ones named by `items` under the paths given there."""
    items = source.get("items")
    if not items:
        return {key: Item(value, mode) for key, value in data.items()}
    missing = sorted(item["key"] for item in items if item["key"] not in data)
    if missing and not source.get("optional", False):
        raise ConfigProblem(f"key {', '.join(missing)} not found")
    return {item["path"]: Item(data[item["key"]], item.get("mode", mode)) for item in items if item["key"] in data}


def _host_path(source: Object) -> Path:
    """A path of this machine. Raises ConfigProblem when it is not what `type` asks for."""
    path, kind = Path(source["path"]), source.get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch()
    checks = {"Directory": path.is_dir, "DirectoryOrCreate": path.is_dir, "File": path.is_file,
              "FileOrCreate": path.is_file, "Socket": path.is_socket, "CharDevice": path.is_char_device,
              "BlockDevice": path.is_block_device}  # fmt: skip
    if not checks.get(kind, path.exists)():
        raise ConfigProblem(f"hostPath {path} is not there or not a {kind or 'file or folder'}")
    return path
