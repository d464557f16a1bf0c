"""IAM, KMS, CloudWatch Logs, SNS and Budgets: every resource type the components use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.aws.conftest import TRUST, Client, pairs, policy, refused

ACCOUNT = "123456789012"


@pytest.fixture
def iam(aws: Client) -> Any:
    return aws("iam")


def test_role_with_its_policies(iam: Any) -> None:
    made = iam.create_role(
        RoleName="nodes",
        Path="/cluster/",
        AssumeRolePolicyDocument=TRUST,
        Description="nodes",
        MaxSessionDuration=7200,
        Tags=pairs({"a": "b"}),
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/cluster/nodes"
    iam.update_role(RoleName="nodes", Description="more nodes", MaxSessionDuration=3600)
    other = json.loads(TRUST)
    other["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}
    iam.update_assume_role_policy(RoleName="nodes", PolicyDocument=json.dumps(other))
    iam.tag_role(RoleName="nodes", Tags=pairs({"c": "d"}))
    iam.untag_role(RoleName="nodes", TagKeys=["a"])
    read = iam.get_role(RoleName="nodes")["Role"]
    assert (read["Description"], read["MaxSessionDuration"]) == ("more nodes", 3600)
    assert (read["AssumeRolePolicyDocument"], read["Tags"]) == (other, pairs({"c": "d"}))
    inline = {"RoleName": "nodes", "PolicyName": "read"}
    iam.put_role_policy(**inline, PolicyDocument=policy("s3:GetObject"))
    assert iam.get_role_policy(**inline)["PolicyDocument"] == json.loads(policy("s3:GetObject"))
    managed = {"RoleName": "nodes", "PolicyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}
    iam.attach_role_policy(**managed)
    [attached] = iam.list_attached_role_policies(RoleName="nodes")["AttachedPolicies"]
    assert attached["PolicyArn"] == managed["PolicyArn"]
    with refused("NoSuchEntity"):
        iam.attach_role_policy(RoleName="nodes", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")
    with refused("DeleteConflict"):
        iam.delete_role(RoleName="nodes")
    iam.delete_role_policy(**inline)
    with refused("NoSuchEntity"):
        iam.get_role_policy(**inline)
    iam.detach_role_policy(**managed)
    iam.delete_role(RoleName="nodes")
    with refused("NoSuchEntity"):
        iam.get_role(RoleName="nodes")


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        "[]",
        '{"Version": "2012-10-17"}',
        '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}',
        '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Resource": "*"}}',
    ],
)
def test_what_is_no_trust_policy_is_refused(iam: Any, wrong: str) -> None:
    with refused("MalformedPolicyDocument"):
        iam.create_role(RoleName="wrong", AssumeRolePolicyDocument=wrong)
    with refused("NoSuchEntity"):
        iam.get_role(RoleName="wrong")


def test_managed_policy(iam: Any) -> None:
    made = iam.create_policy(
        PolicyName="data", PolicyDocument=policy("s3:*"), Description="data", Tags=pairs({"a": "b"})
    )["Policy"]
    arn = made["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy("s3:Get*"), SetAsDefault=True)
    read = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (read["DefaultVersionId"], read["Description"], read["Tags"]) == ("v2", "data", pairs({"a": "b"}))
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert version["Document"] == json.loads(policy("s3:Get*"))
    iam.tag_policy(PolicyArn=arn, Tags=pairs({"c": "d"}))
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == pairs({"a": "b", "c": "d"})
    iam.create_role(RoleName="user-of-data", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="user-of-data", PolicyArn=arn)
    with refused("DeleteConflict", "attached"):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_role_policy(RoleName="user-of-data", PolicyArn=arn)
    with refused("DeleteConflict", "version"):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn=arn)


def test_instance_profile(iam: Any) -> None:
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=TRUST)
    name = {"InstanceProfileName": "machine"}
    iam.create_instance_profile(**name, Tags=pairs({"a": "b"}))
    iam.add_role_to_instance_profile(**name, RoleName="machine")
    iam.tag_instance_profile(**name, Tags=pairs({"c": "d"}))
    read = iam.get_instance_profile(**name)["InstanceProfile"]
    assert [role["RoleName"] for role in read["Roles"]] == ["machine"]
    assert read["Tags"] == pairs({"a": "b", "c": "d"})
    for delete in (lambda: iam.delete_instance_profile(**name), lambda: iam.delete_role(RoleName="machine")):
        with refused("DeleteConflict"):
            delete()
    iam.remove_role_from_instance_profile(**name, RoleName="machine")
    iam.delete_instance_profile(**name)
    with refused("NoSuchEntity"):
        iam.get_instance_profile(**name)


def test_key_and_alias(aws: Client) -> None:
    kms = aws("kms")
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    made = kms.create_key(
        Description="cluster", Policy=document, Tags=[{"TagKey": "a", "TagValue": "b"}], MultiRegion=False
    )["KeyMetadata"]
    key = {"KeyId": made["KeyId"]}
    assert kms.get_key_policy(**key, PolicyName="default")["Policy"] == document
    kms.enable_key_rotation(**key, RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(**key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 180)
    kms.disable_key_rotation(**key)
    assert kms.get_key_rotation_status(**key)["KeyRotationEnabled"] is False
    kms.update_key_description(**key, Description="other")
    kms.disable_key(**key)
    assert kms.describe_key(**key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(**key)
    kms.tag_resource(**key, Tags=[{"TagKey": "c", "TagValue": "d"}])
    kms.untag_resource(**key, TagKeys=["a"])
    assert kms.list_resource_tags(**key)["Tags"] == [{"TagKey": "c", "TagValue": "d"}]
    kms.create_alias(AliasName="alias/cluster", TargetKeyId=made["KeyId"])
    [alias] = kms.list_aliases(**key)["Aliases"]
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/cluster", made["KeyId"])
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/cluster", TargetKeyId=other)
    assert kms.describe_key(KeyId="alias/cluster")["KeyMetadata"]["KeyId"] == other
    kms.delete_alias(AliasName="alias/cluster")
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/cluster")
    kms.schedule_key_deletion(**key, PendingWindowInDays=7)
    read = kms.describe_key(**key)["KeyMetadata"]
    assert (read["KeyState"], read["Description"]) == ("PendingDeletion", "other")
    for wrong in ("{", "{}", "[]"):
        with refused("MalformedPolicyDocumentException"):
            kms.create_key(Policy=wrong)


def test_log_group(aws: Client) -> None:
    logs = aws("logs")
    name, arn = {"logGroupName": "/eks/main"}, f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/eks/main"
    logs.create_log_group(**name, kmsKeyId="key-1", logGroupClass="INFREQUENT_ACCESS", tags={"a": "b"})
    logs.create_log_group(logGroupName="/eks/other")
    logs.put_retention_policy(**name, retentionInDays=30)
    [read] = logs.describe_log_groups(logGroupIdentifiers=[arn])["logGroups"]
    assert (read["logGroupClass"], read["retentionInDays"], read["kmsKeyId"]) == ("INFREQUENT_ACCESS", 30, "key-1")
    by_class = logs.describe_log_groups(logGroupClass="STANDARD")["logGroups"]
    assert [group["logGroupName"] for group in by_class] == ["/eks/other"]
    logs.associate_kms_key(**name, kmsKeyId="key-2")
    assert logs.describe_log_groups(logGroupNamePrefix="/eks/main")["logGroups"][0]["kmsKeyId"] == "key-2"
    logs.disassociate_kms_key(**name)
    logs.delete_retention_policy(**name)
    [read] = logs.describe_log_groups(logGroupNamePrefix="/eks/main")["logGroups"]
    assert not {"kmsKeyId", "retentionInDays"} & set(read)
    logs.tag_resource(resourceArn=arn, tags={"c": "d"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}
    logs.put_log_group_deletion_protection(logGroupIdentifier=arn, deletionProtectionEnabled=True)
    with refused("OperationAbortedException"):
        logs.delete_log_group(**name)
    logs.put_log_group_deletion_protection(logGroupIdentifier="/eks/main", deletionProtectionEnabled=False)
    logs.delete_log_group(**name)
    with refused("ResourceNotFoundException"):
        logs.delete_log_group(**name)


def test_topic_with_its_policy(aws: Client) -> None:
    sns = aws("sns")
    made = sns.create_topic(Name="alarms", Attributes={"KmsMasterKeyId": "alias/x"}, Tags=pairs({"a": "b"}))
    topic = {"TopicArn": made["TopicArn"]}
    statement = {"Effect": "Allow", "Principal": {"Service": "budgets.amazonaws.com"}, "Action": "SNS:Publish"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": made["TopicArn"]}]})
    changes = {"Policy": document, "DisplayName": "Alarms", "TracingConfig": "Active", "SignatureVersion": "2"}
    for attribute, value in changes.items():
        sns.set_topic_attributes(**topic, AttributeName=attribute, AttributeValue=value)
    read = sns.get_topic_attributes(**topic)["Attributes"]
    assert json.loads(read["Policy"]) == json.loads(changes.pop("Policy"))
    assert {**changes, "KmsMasterKeyId": "alias/x"}.items() <= read.items()
    assert "DeliveryPolicy" not in read
    with refused("InvalidParameter"):
        sns.set_topic_attributes(**topic, AttributeName="Policy", AttributeValue="{")
    arn = {"ResourceArn": made["TopicArn"]}
    sns.tag_resource(**arn, Tags=pairs({"c": "d"}))
    sns.untag_resource(**arn, TagKeys=["a"])
    assert sns.list_tags_for_resource(**arn)["Tags"] == pairs({"c": "d"})
    sns.delete_topic(**topic)
    with refused("NotFound"):
        sns.get_topic_attributes(**topic)


BUDGET: dict[str, Any] = {
    "BudgetName": "monthly",
    "BudgetLimit": {"Amount": "1000.0", "Unit": "USD"},
    "TimeUnit": "MONTHLY",
    "BudgetType": "COST",
    "CostFilters": {"TagKeyValue": ["user:dc:site$local"]},
}
NOTIFICATION = {
    "NotificationType": "FORECASTED",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}


def test_budget_with_notifications_and_subscribers(aws: Client) -> None:
    budgets = aws("budgets")
    account, name = {"AccountId": ACCOUNT}, {"AccountId": ACCOUNT, "BudgetName": "monthly"}
    one, two = ({"SubscriptionType": "EMAIL", "Address": address} for address in ("a@example.com", "b@example.com"))
    budgets.create_budget(
        **account,
        Budget=BUDGET,
        NotificationsWithSubscribers=[{"Notification": NOTIFICATION, "Subscribers": [one]}],
        ResourceTags=pairs({"a": "b"}),
    )
    read = budgets.describe_budget(**name)["Budget"]
    assert BUDGET.items() <= read.items()
    period = read["TimePeriod"]
    larger = {**BUDGET, "BudgetLimit": {"Amount": "2000.0", "Unit": "USD"}}
    budgets.update_budget(**account, NewBudget=larger)
    read = budgets.describe_budget(**name)["Budget"]
    assert (read["BudgetLimit"]["Amount"], read["TimePeriod"]) == ("2000.0", period)
    budgets.update_budget(**account, NewBudget={**larger, "TimePeriod": period})
    assert budgets.describe_budgets(**account)["Budgets"][0]["TimePeriod"] == period
    with refused("InvalidParameterException", "type"):
        budgets.update_budget(**account, NewBudget={**larger, "BudgetType": "USAGE"})
    budgets.create_subscriber(**name, Notification=NOTIFICATION, Subscriber=two)
    with refused("DuplicateRecordException"):
        budgets.create_subscriber(**name, Notification=NOTIFICATION, Subscriber=two)
    higher = {**NOTIFICATION, "Threshold": 90.0}
    budgets.update_notification(**name, OldNotification=NOTIFICATION, NewNotification=higher)
    assert budgets.describe_notifications_for_budget(**name)["Notifications"] == [higher]
    listed = budgets.describe_subscribers_for_notification(**name, Notification=higher)["Subscribers"]
    assert listed == [one, two]
    for subscriber in (one, two):
        budgets.delete_subscriber(**name, Notification=higher, Subscriber=subscriber)
    assert budgets.describe_notifications_for_budget(**name)["Notifications"] == []
    with refused("NotFoundException"):
        budgets.describe_subscribers_for_notification(**name, Notification=higher)
    arn = {"ResourceARN": f"arn:aws:budgets::{ACCOUNT}:budget/monthly"}
    budgets.tag_resource(**arn, ResourceTags=pairs({"c": "d"}))
    budgets.untag_resource(**arn, ResourceTagKeys=["a"])
    assert budgets.list_tags_for_resource(**arn)["ResourceTags"] == pairs({"c": "d"})
    budgets.delete_budget(**name)
    with refused("NotFoundException"):
        budgets.describe_budget(**name)
    with refused("NotFoundException"):
        budgets.update_budget(**account, NewBudget=BUDGET)
    with refused("NotFoundException"):
        budgets.list_tags_for_resource(**arn)
