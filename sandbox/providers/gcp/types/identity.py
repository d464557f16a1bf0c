"""Keys, service accounts, grants and the APIs of a project.

A key ring and the keys in it cannot be deleted in Google Cloud: the official provider destroys the key versions and
forgets the rest, and a name can never be given again. Here everything is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.providers.gcp.record import Record, Resource, World
from sandbox.providers.gcp.types.shapes import PROJECT_NUMBER, labelled, named, number
from sandbox.providers.protocol import Problem, Props

KEY_RING, KEY, ACCOUNT = (
    "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey", "gcp:serviceaccount/account:Account",
)  # fmt: skip
KINDS = ("user:", "group:", "serviceAccount:", "domain:", "principal://", "principalSet://", "allUsers",
         "allAuthenticatedUsers", "projectOwner:", "projectEditor:", "projectViewer:", "deleted:")  # fmt: skip
LEAST_ROTATION = 86400
ROLE_ID = re.compile(r"[a-zA-Z0-9_.]{3,64}\Z")


def _account(resource: Resource, world: World) -> Props:  # noqa: ARG001
    email = f"{resource['accountId']}@{resource['project']}.iam.gserviceaccount.com"
    return {
        "email": email,
        "member": f"serviceAccount:{email}",
        "name": resource.id,
        "uniqueId": str(number(resource.id)),
        "disabled": bool(resource["disabled"]),
    }


def _service_identity(resource: Resource, world: World) -> Props:  # noqa: ARG001
    service = str(resource["service"]).split(".", maxsplit=1)[0]
    email = f"service-{PROJECT_NUMBER}@gcp-sa-{service}.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}"}


def _etag(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {"etag": f"{number(resource.id):x}"}


def _member(resource: Resource) -> Iterator[Problem]:
    """Who is granted something is named with a kind."""
    given = resource.known("member")
    if given is not None and not str(given).startswith(KINDS):
        yield Problem(
            "member", f"member: {given} is not allowed; begin with user:, group:, serviceAccount: or principal://"
        )


def _role(resource: Resource) -> Iterator[Problem]:
    given = resource.known("role")
    if given is not None and "roles/" not in str(given):
        yield Problem("role", f"role: {given} is no role; give roles/<name> or projects/<project>/roles/<name>")


def _role_id(resource: Resource) -> Iterator[Problem]:
    given = resource.known("roleId")
    if given is not None and not ROLE_ID.match(str(given)):
        yield Problem("roleId", f"roleId: {given} is not allowed; give 3 to 64 letters, digits, dots and underscores")


def _rotation(resource: Resource) -> Iterator[Problem]:
    given = resource.known("rotationPeriod")
    seconds = str(given).removesuffix("s")
    if given is not None and (not seconds.replace(".", "", 1).isdigit() or float(seconds) < LEAST_ROTATION):
        yield Problem("rotationPeriod", f"rotationPeriod: {given} is not allowed; give seconds from 86400s on")


def _grant(kind: str, place: str, refers: dict[str, str] | None = None) -> Record:
    """One member of one role of something."""
    return Record(
        kind,
        f"{place}/{{role}}/{{member}}",
        naming=None,
        force=("*",),
        outputs=_etag,
        rules=(_member, _role),
        refers=refers or {},
        shared=True,
    )


RECORDS = (
    Record(
        KEY_RING, "projects/{project}/locations/{location}/keyRings/{name}", place="location", rules=(named("name"),)
    ),
    Record(
        KEY,
        "{keyRing}/cryptoKeys/{name}",
        force=("purpose", "destroyScheduledDuration", "importOnly", "skipInitialVersionCreation"),
        outputs=lambda resource, world: {  # noqa: ARG005
            "primaries": [{"name": f"{resource.id}/cryptoKeyVersions/1", "state": "ENABLED"}]
        },
        rules=(named("name"), labelled("labels"), _rotation),
        refers={"keyRing": KEY_RING},
        values={
            "purpose": frozenset({"ENCRYPT_DECRYPT", "ASYMMETRIC_SIGN", "ASYMMETRIC_DECRYPT", "MAC"}),
        },
    ),
    _grant("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "{cryptoKeyId}", {"cryptoKeyId": KEY}),
    _grant("gcp:projects/iAMMember:IAMMember", "{project}"),
    _grant("gcp:serviceaccount/iAMMember:IAMMember", "{serviceAccountId}", {"serviceAccountId": ACCOUNT}),
    _grant("gcp:storage/bucketIAMMember:BucketIAMMember", "b/{bucket}", {"bucket": "gcp:storage/bucket:Bucket"}),
    _grant(
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
        "projects/{project}/locations/{location}/repositories/{repository:short}",
        {"repository": "gcp:artifactregistry/repository:Repository"},
    ),
    _grant("gcp:pubsub/topicIAMMember:TopicIAMMember", "{topic}", {"topic": "gcp:pubsub/topic:Topic"}),
    Record(
        "gcp:projects/iAMCustomRole:IAMCustomRole",
        "projects/{project}/roles/{roleId}",
        naming=None,
        outputs=lambda resource, world: {"name": resource.id, "deleted": False},  # noqa: ARG005
        rules=(_role_id,),
        values={"stage": frozenset({"ALPHA", "BETA", "GA", "DEPRECATED", "DISABLED", "EAP"})},
    ),
    Record("gcp:projects/service:Service", "{project}/{service}", naming=None, force=("service",), shared=True),
    Record(
        "gcp:projects/serviceIdentity:ServiceIdentity",
        "projects/{project}/services/{service}",
        naming=None,
        force=("*",),
        outputs=_service_identity,
        shared=True,
    ),
    Record(
        ACCOUNT,
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
        naming=None,
        force=("accountId", "createIgnoreAlreadyExists"),
        outputs=_account,
        rules=(named("accountId", 30, 6),),
    ),
)
