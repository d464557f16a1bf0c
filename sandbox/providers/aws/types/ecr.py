"""Container image repositories and their policies."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step, after, first
from sandbox.providers.aws.shapes import picked, text, whole

NO_REPOSITORY = "RepositoryNotFoundException"
FILTERS = "imageTagMutabilityExclusionFilters"


def _encryption(r: Resource) -> Any:
    return picked(first(r["encryptionConfigurations"] or []), "encryptionType", "kmsKey")


def _mutability(api: Api, r: Resource) -> None:
    api(
        "put_image_tag_mutability",
        repositoryName=r.id,
        imageTagMutability=r["imageTagMutability"] or "MUTABLE",
        imageTagMutabilityExclusionFilters=r[FILTERS] or None,
    )


def _scanning(api: Api, r: Resource) -> None:
    scan = bool((r["imageScanningConfiguration"] or {}).get("scanOnPush"))
    api("put_image_scanning_configuration", repositoryName=r.id, imageScanningConfiguration={"scanOnPush": scan})


REPOSITORY = Record(
    type="aws:ecr/repository:Repository",
    service="ecr",
    create=lambda api, r: api(
        "create_repository",
        repositoryName=r["name"],
        imageTagMutability=r["imageTagMutability"],
        imageTagMutabilityExclusionFilters=r[FILTERS],
        imageScanningConfiguration=r["imageScanningConfiguration"],
        encryptionConfiguration=_encryption(r),
        **r.tags_argument,
    )["repository"]["repositoryName"],
    read=lambda api, r: first(api("describe_repositories", repositoryNames=[r.id])["repositories"]),
    delete=lambda api, r: api("delete_repository", repositoryName=r.id, force=bool(r["forceDelete"])),
    gone=(NO_REPOSITORY,),
    force=("name", "encryptionConfigurations"),
    steps=(
        Step(("imageTagMutability", FILTERS), _mutability, at_create=False),
        Step(("imageScanningConfiguration",), _scanning, at_create=False),
    ),
    stored=("forceDelete",),
    naming=Naming(prefix=None, longest=256, lower=True),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("ecr", f"repository/{r['name']}"), "registryId": r.account},
    parse_id=lambda name: {"name": name},
    outputs={
        "arn": "repositoryArn",
        "name": "repositoryName",
        "registryId": "registryId",
        "repositoryUrl": "repositoryUri",
        "imageTagMutability": "imageTagMutability",
        FILTERS: lambda live, r: live.get(FILTERS) or r[FILTERS],
        "imageScanningConfiguration": "imageScanningConfiguration",
        "encryptionConfigurations": lambda live, _: (
            [live["encryptionConfiguration"]] if live.get("encryptionConfiguration") else None
        ),
    },
    defaults={
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
    },
    tagging=tags.by_arn(
        at_create="tags",
        argument="resourceArn",
        as_map=False,
        values="tags",
        keys="tagKeys",
        arn=lambda r, live: live.get("repositoryArn") or r["arn"],
    ),
    listing=lambda api: [
        Found(
            one["repositoryName"],
            one["repositoryArn"],
            tags.from_pairs(api("list_tags_for_resource", resourceArn=one["repositoryArn"]).get("tags")),
        )
        for one in whole(api, "describe_repositories", "repositories")
    ],
)


def _document(kind: str, put: str, get: str, delete: str, member: str, gone: str) -> Record:
    """A policy document of a repository: one at most, its id is the repository's name, putting it replaces it."""

    def write(api: Api, r: Resource) -> str:
        api(put, repositoryName=r["repository"], **{member: text(r["policy"])})
        return r["repository"]

    return Record(
        type=kind,
        service="ecr",
        create=write,
        read=lambda api, r: api(get, repositoryName=r.id),
        delete=lambda api, r: after(api(delete, repositoryName=r.id), r.id),
        gone=(gone, NO_REPOSITORY),
        required=("repository", "policy"),
        force=("repository",),
        steps=(Step(("policy",), write, at_create=False),),
        identity=lambda r: r["repository"],
        parse_id=lambda name: {"repository": name},
        outputs={"repository": "repositoryName", "registryId": "registryId", "policy": member},
    )


LIFECYCLE_POLICY = _document(
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    put="put_lifecycle_policy",
    get="get_lifecycle_policy",
    delete="delete_lifecycle_policy",
    member="lifecyclePolicyText",
    gone="LifecyclePolicyNotFoundException",
)
REPOSITORY_POLICY = _document(
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    put="set_repository_policy",
    get="get_repository_policy",
    delete="delete_repository_policy",
    member="policyText",
    gone="RepositoryPolicyNotFoundException",
)

RECORDS = (REPOSITORY, LIFECYCLE_POLICY, REPOSITORY_POLICY)
