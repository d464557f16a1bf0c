"""Pods that really run, against a real control plane."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.node.api import namespaced
from tests.sandbox.emulated import eventually
from tests.sandbox.node.conftest import IMAGE, NODE_NAMES, Namespace

pytestmark = pytest.mark.sandbox

RING = """
import os, socket, time
rank, world, name = int(os.environ["JOB_COMPLETION_INDEX"]), int(os.environ["WORLD_SIZE"]), os.environ["MASTER_ADDR"]
if rank == 0:
    server = socket.create_server(("0.0.0.0", 29500))
    total = sum(int(server.accept()[0].makefile().readline()) for _ in range(world - 1))
    print("total", total)
    time.sleep(1)
else:
    while True:
        try:
            connection = socket.create_connection((name, 29500), 1)
            break
        except OSError:
            time.sleep(0.05)
    connection.sendall(f"{rank * int(os.environ['FACTOR'])}\\n".encode())
"""


def ring(here: Namespace, name: str, factor: int) -> None:
    values = {"WORLD_SIZE": "3", "MASTER_ADDR": f"{name}-0.{name}", "FACTOR": str(factor)}
    env = [{"name": key, "value": value} for key, value in values.items()]
    here.job(name, RING, 3, container={"env": env}, nodeSelector={"dc/pool": "bench"})


def finished(here: Namespace, job: str) -> str:
    """`Complete` or `Failed` once the job is one of them."""
    path = namespaced("jobs", here.name, job, "apis/batch/v1")

    def ending() -> str:
        conditions = here.api.get(path).get("status", {}).get("conditions") or []
        return next((one["type"] for one in conditions if one["type"] in {"Complete", "Failed"}), "")

    return eventually(ending)


def rank_zero(here: Namespace, job: str) -> str:
    pods = here.api.list(namespaced("pods", here.name), labelSelector=f"job-name={job}")["items"]
    return next(pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith(f"{job}-0-"))


def test_two_jobs_with_the_same_port_run_at_once_and_find_their_own_ranks_by_name(here: Namespace) -> None:
    ring(here, "left", 10)
    ring(here, "right", 100)
    assert [finished(here, "left"), finished(here, "right")] == ["Complete", "Complete"]
    assert here.logs(rank_zero(here, "left")).strip() == "total 30"
    assert here.logs(rank_zero(here, "right")).strip() == "total 300"


def test_a_job_fails_when_a_rank_fails(here: Namespace) -> None:
    here.job("bad", "import os, sys; sys.exit(int(os.environ['JOB_COMPLETION_INDEX']))", 2)
    assert finished(here, "bad") == "Failed"


def test_exit_code_and_last_words_are_reported(here: Namespace) -> None:
    here.pod("seven", "open('/dev/termination-log', 'w').write('out of luck'); raise SystemExit(7)")
    ended = here.until("seven", "Failed")["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (7, "Error", "out of luck")


def test_a_program_ended_by_a_signal_has_the_exit_code_of_a_container_runtime(here: Namespace) -> None:
    here.pod("killed", "import time; print('ready'); time.sleep(600)")
    here.says("killed", "ready")
    (process,) = here.containers("killed")
    process.kill()
    assert here.until("killed", "Failed")["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 128 + 9


def test_sigterm_reaches_the_program_and_it_has_its_grace_to_end(here: Namespace) -> None:
    here.pod("polite", """
import signal, time, os
def end(*_):
    time.sleep(0.5)
    os.write(os.open("/said/word", os.O_WRONLY | os.O_CREAT), b"goodbye")
    raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
print("ready")
signal.pause()
""", container={"volumeMounts": [{"name": "said", "mountPath": "/said"}]},
        volumes=[{"name": "said", "hostPath": {"path": str(here.node.folder / "said"), "type": "DirectoryOrCreate"}}],
        terminationGracePeriodSeconds=60,
    )  # fmt: skip
    here.says("polite", "ready")
    here.delete("polite")
    eventually(lambda: here.gone("polite"))
    assert (here.node.folder / "said" / "word").read_text(encoding="utf-8") == "goodbye"


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(here: Namespace) -> None:
    here.pod("stubborn", "import signal; signal.signal(15, signal.SIG_IGN); print('ready'); signal.pause()",
             terminationGracePeriodSeconds=1)  # fmt: skip
    here.says("stubborn", "ready")
    processes = here.containers("stubborn")
    assert processes
    here.delete("stubborn")
    eventually(lambda: here.gone("stubborn"))
    assert not any(one.is_running() for one in processes)


def test_a_pod_deleted_by_force_leaves_no_process(here: Namespace) -> None:
    here.pod("forced", "import time; print('ready'); time.sleep(600)")
    here.says("forced", "ready")
    processes = here.containers("forced")
    assert processes
    here.delete("forced", gracePeriodSeconds=0)
    eventually(lambda: not any(one.is_running() for one in processes))


def test_a_pod_deleted_while_it_starts_leaves_no_process_and_no_folder(here: Namespace) -> None:
    uids = [here.pod(f"brief-{number}", "import time; time.sleep(600)")["metadata"]["uid"] for number in range(4)]
    for number in range(4):
        here.delete(f"brief-{number}")
    eventually(lambda: all(here.gone(f"brief-{number}") for number in range(4)))
    eventually(lambda: not any((here.node.folder / "pods" / uid).exists() for uid in uids))
    assert not [shim for uid in uids for shim in here.node.shims(uid)]


def test_logs_can_be_followed_tailed_and_stamped(here: Namespace) -> None:
    folder = here.node.folder / f"{here.name}-talker"
    here.pod("talker", """
import os, sys, time
def told(number):
    while not os.path.exists(f"/told/{number}"):
        time.sleep(0.05)
for number in range(3):
    print("line", number)
told(0)  # two streams have no order but that of the reader
print("to stderr", file=sys.stderr)
told(1)
print("the end")
""", container={"volumeMounts": [{"name": "told", "mountPath": "/told"}]},
        volumes=[{"name": "told", "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"}}],
    )  # fmt: skip
    here.says("talker", "line 2")
    (folder / "0").touch()
    here.says("talker", "to stderr")
    following = here.follow("talker")
    followed = [next(following) for _ in range(4)]
    (folder / "1").touch()
    followed += following
    assert "".join(followed).splitlines() == ["line 0", "line 1", "line 2", "to stderr", "the end"]
    assert here.logs("talker", tail_lines=2).splitlines() == ["to stderr", "the end"]
    stamp, _, text = here.logs("talker", tail_lines=1, timestamps=True).strip().partition(" ")
    assert text == "the end"
    assert stamp.startswith("20")
    assert stamp.endswith("Z")


def test_a_long_line_of_a_log_comes_back_whole(here: Namespace) -> None:
    here.pod("long", "print('x' * 100_000)")
    here.until("long", "Succeeded")
    assert here.logs("long") == "x" * 100_000 + "\n"


def test_an_unknown_image_is_refused_with_the_known_ones_named(here: Namespace) -> None:
    here.pod("foreign", "", container={"image": "docker.io/library/nginx:latest"})
    waiting = eventually(lambda: here.container("foreign").get("state", {}).get("waiting"))
    eventually(lambda: here.container("foreign")["state"]["waiting"]["reason"] == "ErrImageNeverPull")
    waiting = here.container("foreign")["state"]["waiting"]
    assert "nginx" in waiting["message"]
    assert IMAGE in waiting["message"]
    assert here.status("foreign")["phase"] == "Pending"


def test_what_a_container_writes_does_not_touch_this_machine(here: Namespace) -> None:
    here.pod("writer", """
import os
open("/usr/local/left-behind", "w").write("x")
os.remove("/etc/hostname") if os.path.exists("/etc/hostname") else None
open("/etc/left-behind", "w").write("x")
""")  # fmt: skip
    before = Path("/etc/hostname").exists()
    here.until("writer", "Succeeded")
    assert Path("/etc/hostname").exists() == before
    assert not Path("/usr/local/left-behind").exists()
    assert not Path("/etc/left-behind").exists()


def test_a_container_sees_no_keys_homes_or_temporary_files_of_this_machine(here: Namespace) -> None:
    places = [str(here.node.settings.pki / "ca.key"), str(here.node.folder), str(Path.home() / ".cache")]
    assert all(Path(place).exists() for place in places)
    here.pod("nosy", f"import os; print([place for place in {places} if os.path.exists(place)])")
    here.until("nosy", "Succeeded")
    assert here.logs("nosy") == "[]\n"


def test_read_only_mounts_and_a_read_only_root_refuse_to_be_written(here: Namespace) -> None:
    here.create("configmaps", {"metadata": {"name": "settings"}, "data": {"a.txt": "A"}})
    mounts = [{"name": "settings", "mountPath": "/settings"}, {"name": "scratch", "mountPath": "/scratch"}]
    security = {
        "readOnlyRootFilesystem": True,
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    here.pod("strict", """
import os
def attempt(path):
    try:
        open(path, "w").write("x")
        return "written"
    except OSError as error:
        return error.strerror
print(*map(attempt, ("/settings/a.txt", "/tmp/x", "/usr/x", "/scratch/x")), os.getuid(), sep=" | ")
""", container={"volumeMounts": mounts, "securityContext": security},
        volumes=[{"name": "settings", "configMap": {"name": "settings"}}, {"name": "scratch", "emptyDir": {}}],
    )  # fmt: skip
    here.until("strict", "Succeeded")
    refused = "Read-only file system"
    assert here.logs("strict").strip() == f"{refused} | {refused} | {refused} | written | 1000"


def test_a_volume_over_the_temporary_folder_can_be_written_under_a_read_only_root(here: Namespace) -> None:
    """As hardened pods have it; the empty folder that hides this machine's own lies below and does not count."""
    here.pod("scratch", "open('/tmp/x', 'w').write('x'); print('written')",
        container={"volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],
                   "securityContext": {"readOnlyRootFilesystem": True, "runAsUser": 1000, "runAsNonRoot": True}},
        volumes=[{"name": "scratch", "emptyDir": {}}],
    )  # fmt: skip
    here.until("scratch", "Succeeded")
    assert here.logs("scratch") == "written\n"


def test_environment_and_volumes_are_those_of_the_pod(here: Namespace) -> None:
    here.create("configmaps", {"metadata": {"name": "settings"}, "data": {"COLOUR": "blue", "file": "from a map"}})
    here.create("secrets", {"metadata": {"name": "secret"}, "stringData": {"word": "hush"}})
    env = [
        {"name": "GREETING", "value": "hello $(COLOUR) $$(COLOUR) $(MISSING)"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "word"}}},
        {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "nothing", "key": "x", "optional": True}}},
    ]
    here.pod("all", """
import json, os, socket
names = ("COLOUR", "GREETING", "NODE", "WORD", "LIMIT", "NONE")
found = {name: os.environ.get(name) for name in names}
found["own name"] = socket.gethostbyname(socket.gethostname()) == os.environ["IP"]
for path in ("/v/map/inner/renamed", "/v/secret/word", "/v/down/own", "/v/part"):
    found[path] = open(path).read()
found["agent's"] = [name for name in os.environ if name.startswith(("AWS_", "AIDC_", "PYTHON"))]
print(json.dumps(found))
""", container={
            "env": env, "envFrom": [{"configMapRef": {"name": "settings"}}], "args": ["x"],
            "resources": {"limits": {"memory": "100Mi"}},
            "volumeMounts": [
                {"name": "map", "mountPath": "/v/map"}, {"name": "secret", "mountPath": "/v/secret"},
                {"name": "down", "mountPath": "/v/down"},
                {"name": "map", "mountPath": "/v/part", "subPath": "inner/renamed"},
            ],
        },
        volumes=[
            {"name": "map", "configMap": {"name": "settings", "items": [{"key": "file", "path": "inner/renamed"}]}},
            {"name": "secret", "secret": {"secretName": "secret", "defaultMode": 0o400}},
            {"name": "down", "downwardAPI": {"items": [{"path": "own", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ],
    )  # fmt: skip
    here.until("all", "Succeeded")
    assert json.loads(here.logs("all")) == {
        "COLOUR": "blue", "GREETING": "hello blue $(COLOUR) $(MISSING)", "NODE": NODE_NAMES[0], "WORD": "hush",
        "LIMIT": "100", "NONE": None, "own name": True, "/v/map/inner/renamed": "from a map",
        "/v/secret/word": "hush", "/v/down/own": "all", "/v/part": "from a map", "agent's": [],
    }  # fmt: skip


def test_a_pod_waits_for_a_config_map_that_comes_later(here: Namespace) -> None:
    reference = {"configMapKeyRef": {"name": "late", "key": "word"}}
    here.pod(
        "patient", "import os; print(os.environ['WORD'])", container={"env": [{"name": "WORD", "valueFrom": reference}]}
    )
    eventually(lambda: here.container("patient")["state"]["waiting"]["reason"] == "CreateContainerConfigError")
    assert "configmap late not found" in here.container("patient")["state"]["waiting"]["message"]
    here.create("configmaps", {"metadata": {"name": "late"}, "data": {"word": "better late"}})
    here.until("patient", "Succeeded")
    assert here.logs("patient") == "better late\n"


def test_init_containers_run_first_one_after_the_other_and_share_volumes(here: Namespace) -> None:
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]

    def step(name: str) -> dict[str, object]:
        script = f"open('/scratch/log', 'a').write('{name} ')"
        return {"name": name, "image": IMAGE, "command": ["python", "-c", script], "volumeMounts": mounts}

    here.pod("steps", "print(open('/scratch/log').read())", container={"volumeMounts": mounts},
             initContainers=[step("first"), step("second")],
             volumes=[{"name": "scratch", "emptyDir": {"medium": "Memory"}}])  # fmt: skip
    status = here.until("steps", "Succeeded")
    assert here.logs("steps", container="main").split() == ["first", "second"]
    assert [one["state"]["terminated"]["exitCode"] for one in status["initContainerStatuses"]] == [0, 0]


def test_a_failed_init_container_fails_the_pod_before_its_program_runs(here: Namespace) -> None:
    broken = {"name": "broken", "image": IMAGE, "command": ["python", "-c", "raise SystemExit(3)"]}
    here.pod("never", "print('must not run')", initContainers=[broken])
    status = here.until("never", "Failed")
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    assert "waiting" in status["containerStatuses"][0]["state"]


def test_on_failure_restarts_until_success_and_keeps_the_earlier_log(here: Namespace) -> None:
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    here.pod("again", """
import os
tries = len(os.listdir("/scratch"))
open(f"/scratch/{tries}", "w")
print("try", tries)
raise SystemExit(0 if tries == 2 else 1)
""", restartPolicy="OnFailure", container={"volumeMounts": mounts},
        volumes=[{"name": "scratch", "emptyDir": {}}])  # fmt: skip
    status = here.until("again", "Succeeded")["containerStatuses"][0]
    assert status["restartCount"] == 2
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert here.logs("again") == "try 2\n"
    assert here.logs("again", previous=True) == "try 1\n"


def test_a_container_that_fails_again_and_again_backs_off(here: Namespace) -> None:
    here.pod("crasher", "raise SystemExit(1)", restartPolicy="Always")

    def backs_off() -> bool:
        found = here.container("crasher")
        reason = found.get("state", {}).get("waiting", {}).get("reason")
        return found.get("restartCount", 0) >= 1 and reason == "CrashLoopBackOff"

    eventually(backs_off)


def test_a_program_that_does_not_exist_is_a_start_error(here: Namespace) -> None:
    here.pod("nothing", "", container={"command": ["no-such-program"]})
    ended = here.until("nothing", "Failed")["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "no-such-program" in ended["message"]


def test_a_pod_past_its_deadline_is_ended_and_says_so(here: Namespace) -> None:
    here.pod("slow", "import time; time.sleep(600)", activeDeadlineSeconds=1, terminationGracePeriodSeconds=1)
    assert here.until("slow", "Failed")["reason"] == "DeadlineExceeded"


def test_a_pod_talks_to_the_api_as_its_own_service_account(here: Namespace) -> None:
    here.pod("caller", """
import json, os, ssl, urllib.request, urllib.error
folder = "/var/run/secrets/kubernetes.io/serviceaccount"
host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
context = ssl.create_default_context(cafile=folder + "/ca.crt")
for server in (host, "kubernetes.default.svc"):
    request = urllib.request.Request(f"https://{server}:{port}/api/v1/secrets",
                                     headers={"Authorization": "Bearer " + open(folder + "/token").read()})
    try:
        urllib.request.urlopen(request, context=context)
    except urllib.error.HTTPError as error:
        print(error.code, json.load(error)["message"].split('"')[1])
""")  # fmt: skip
    here.until("caller", "Succeeded")
    assert here.logs("caller").splitlines() == [f"403 system:serviceaccount:{here.name}:default"] * 2


def test_what_a_process_node_cannot_do_is_refused_not_left_out(here: Namespace) -> None:
    here.pod("probed", "print('must not run')", container={"readinessProbe": {"exec": {"command": ["true"]}}})
    eventually(lambda: here.container("probed")["state"]["waiting"]["reason"] == "CreateContainerConfigError")
    assert "readinessProbe" in here.container("probed")["state"]["waiting"]["message"]


def test_a_sidecar_is_refused_and_not_waited_for_as_if_it_would_end(here: Namespace) -> None:
    sidecar = {"name": "proxy", "image": IMAGE, "command": ["true"], "restartPolicy": "Always"}
    here.pod("accompanied", "print('must not run')", initContainers=[sidecar])

    def waiting() -> str:
        (one,) = here.get("accompanied")["status"].get("initContainerStatuses") or [{}]
        return one.get("state", {}).get("waiting", {}).get("message", "")

    assert "restartPolicy not available on a process node" in eventually(waiting)


def test_events_tell_of_what_is_wrong(here: Namespace) -> None:
    here.pod("eventful", "", container={"image": "no/such:image"})
    events = eventually(lambda: here.api.list(namespaced("events", here.name), fieldSelector="reason=Failed")["items"])
    assert "no/such:image" in events[0]["message"]
