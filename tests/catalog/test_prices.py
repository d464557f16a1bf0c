"""What `prices` promises: a dated price with its source, or None; never 0 and never another region's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import prices
from catalog.price import Ambiguous
from catalog.table import Row, rows

PRICED = [(row.text("instance_type"), row.text("region")) for row in rows("aws_instance_prices")]
SERVICES = list(rows("aws_service_prices"))


@pytest.mark.parametrize(
    ("name", "usd"),
    [
        ("p4d.24xlarge", "21.957642"), ("p5.48xlarge", "55.04"), ("p5en.48xlarge", "63.296"),
        ("p6-b200.48xlarge", "113.9328"), ("p6-b300.48xlarge", "142.416"), ("g6e.48xlarge", "30.13118"),
        ("g7e.48xlarge", "33.14432"), ("trn1.32xlarge", "21.5"), ("inf2.48xlarge", "12.98127"),
    ],
)  # fmt: skip
def test_on_demand_prices_of_us_east_1_are_those_of_the_price_list_of_july_2026(name: str, usd: str) -> None:
    price = prices.on_demand(name, "us-east-1")
    assert price and price.usd == Decimal(usd)
    assert (price.unit, price.date, price.basis) == ("hour", "2026-07-20", "observed")
    assert price.source.startswith("aws/karpenter-provider-aws@")


@pytest.mark.parametrize("name", ["p5e.48xlarge", "trn2.48xlarge", "p6e-gb200.36xlarge"])
def test_types_sold_only_as_blocks_have_no_on_demand_price(name: str) -> None:
    assert prices.on_demand(name, "us-east-1") is None
    assert prices.capacity_block_locations(name)


def test_a_capacity_block_has_its_own_price() -> None:
    price = prices.capacity_block("p5.48xlarge", "us-east-1")
    assert price and price.usd == Decimal("41.528")


def test_a_block_price_of_one_place_is_not_that_of_another() -> None:
    assert prices.capacity_block("trn2.48xlarge", "us-east-1") is None
    assert prices.capacity_block("u-p6e-gb200x72", "us-east-1") is None


def test_an_instance_of_an_ultraserver_costs_its_share_and_says_so() -> None:
    whole = prices.capacity_block("u-p6e-gb200x72", "us-east-1-dfw-2a")
    share = prices.capacity_block("p6e-gb200.36xlarge", "us-east-1-dfw-2a")
    assert whole and share
    assert share.usd * 18 == whole.usd
    assert share.basis.startswith("derived: 1/18 of u-p6e-gb200x72")


@given(st.sampled_from(PRICED))
def test_every_priced_pair_gives_a_dated_positive_price(pair: tuple[str, str]) -> None:
    price = prices.on_demand(*pair)
    assert price and price.usd > 0
    assert price.date >= "2024" and price.source
    spot = prices.spot(*pair)
    assert spot is None or (spot.usd > 0 and "one day" in spot.basis)


@given(st.sampled_from(PRICED), st.sampled_from(["eu-nowhere-1", "", "US-EAST-1", "sa-east-1"]))
def test_an_unlisted_region_has_no_price(pair: tuple[str, str], region: str) -> None:
    assert prices.on_demand(pair[0], region) is None
    assert prices.spot(pair[0], region) is None


def test_a_derived_price_names_what_it_is_derived_from() -> None:
    price = prices.on_demand("g6.xlarge", "ap-northeast-1")
    assert price and price.basis == "derived: us-east-1 price x regional ratio of g6.8xlarge"
    assert price.source == "derived (S2xS3)"


def test_a_spot_price_has_the_date_and_source_of_its_own_reading() -> None:
    spot, listed = prices.spot("p5en.48xlarge", "us-east-1"), prices.on_demand("p5en.48xlarge", "us-east-1")
    assert spot and listed
    assert (spot.date, listed.date) == ("2025-12", "2026-07-20")
    assert spot.source.startswith("skypilot-org/skypilot-catalog")


def test_the_spot_advisor_gives_saving_and_band_with_their_date() -> None:
    advice = prices.spot_advisor("p5en.48xlarge", "us-east-1")
    assert advice and (advice.saving_pct, advice.interruption, advice.date) == (64, "<5%", "2025-06-28")
    assert prices.spot_advisor("p5en.48xlarge", "eu-nowhere-1") is None


@pytest.mark.parametrize(
    ("service", "dimension", "usd", "unit"),
    [
        ("aws_eks_cluster", "EKS cluster", "0.1", "hours"),
        ("aws_eks_cluster", "EKS cluster (extended support)", "0.6", "hours"),
        ("aws_nat_gateway", "NAT gateway", "0.045", "hours"),
        ("aws_vpc_endpoint", "Endpoint (Interface)", "0.01", "hours"),
        ("aws_eip", "Public IPv4 address-hour", "0.005", "hours"),
        ("aws_ebs_volume", "Storage (general purpose SSD, gp3)", "0.08", "GB"),
        ("aws_s3_bucket", "Standard > Storage", "0.023", "GB"),
        ("aws_kms_key", "Customer master key", "1", "months"),
        ("aws_ecr_repository", "Storage", "0.1", "GB"),
        ("aws_cloudwatch_log_group", "Data ingested", "0.5", "GB"),
        ("aws_fsx_lustre_file_system", "SSD storage, PERSISTENT_2, 125 MB/s/TiB", "0.145", "GB-month"),
    ],
)
def test_service_prices_most_used(service: str, dimension: str, usd: str, unit: str) -> None:
    price = prices.service(service, dimension, "us-east-1")
    assert price and (price.usd, price.unit) == (Decimal(usd), unit)
    assert prices.service(service, dimension, "ap-south-1") is None


@given(st.sampled_from(SERVICES), st.sampled_from(["sa-east-1", "us-west-2", "ap-south-1"]))
def test_a_service_price_is_never_that_of_another_region(row: Row, region: str) -> None:
    if row.text("service") != "aws_data_transfer":
        assert prices.service(row.text("service"), row.text("dimension"), region) is None


def test_services_read_in_another_region_are_priced_there_only() -> None:
    assert prices.service("aws_backup_vault", "EBS snapshot", "us-west-1")
    assert prices.service("aws_backup_vault", "EBS snapshot", "us-east-1") is None


def test_data_transfer_has_its_own_price_in_27_regions() -> None:
    regions = {row.text("region") for row in rows("aws_data_transfer_prices")}
    found = {region: prices.service("aws_data_transfer", "Intra-region data transfer", region) for region in regions}
    assert len(regions) == 27
    assert all(price and price.usd > 0 for price in found.values())


def test_a_dimension_with_several_prices_wants_the_deciding_attribute() -> None:
    with pytest.raises(Ambiguous, match='"type":"gp3"'):
        prices.service("aws_ebs_volume", "Provisioned IOPS", "us-east-1")
    gp3 = prices.service("aws_ebs_volume", "Provisioned IOPS", "us-east-1", type="gp3")
    io1 = prices.service("aws_ebs_volume", "Provisioned IOPS", "us-east-1", type="io1")
    assert gp3 and io1 and (gp3.usd, io1.usd) == (Decimal("0.005"), Decimal("0.065"))
    assert prices.service("aws_ebs_volume", "Provisioned IOPS", "us-east-1", type="st1") is None


def test_a_price_whose_source_is_not_exact_says_so() -> None:
    price = prices.service("aws_fsx_lustre_file_system", "SSD storage, SCRATCH_2", "us-east-1")
    assert price and "approximate" in price.basis


def test_google_prices_are_per_region_term_and_chip() -> None:
    machine = prices.gcp_instance("a3-highgpu-8g", "us-central1")
    assert machine and round(machine.usd, 2) == Decimal("88.49")
    commitment, listed = (
        prices.gcp_instance("n2-standard-8", "us-central1", "1y"),
        prices.gcp_instance("n2-standard-8", "us-central1"),
    )
    assert commitment and listed and commitment.usd < listed.usd
    chip = prices.tpu("v5e", "us-central1")
    assert chip and (chip.usd, chip.unit) == (Decimal("1.2"), "chip-hour")
    disk = prices.gcp_service("compute-disk", "balanced", "us-central1")
    assert disk and disk.unit == "GiB-month"
    assert prices.gcp_instance("a3-highgpu-8g", "mars-north1") is None
    assert prices.tpu("tpu7x", "us-central1") is None


def test_a_google_machine_that_its_region_lacks_says_so() -> None:
    doubtful = next(row for row in rows("gcp_gpu_prices") if row.values["listed_in_region"] == "no")
    price = prices.gcp_instance(doubtful.text("machine_type"), doubtful.text("region"))
    assert price and "no such machine in this region" in price.basis


def test_old_tpus_want_their_variant() -> None:
    with pytest.raises(Ambiguous, match="single-host or pod-slice"):
        prices.tpu("v2", "us-central1")
    assert prices.tpu("v2", "us-central1", variant="pod-slice")
