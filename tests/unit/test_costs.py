"""The costs of stacks: quantities from the synthesized JSON, prices from the data file."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from lib.stacks import STACKS
from lib.template import Template
from tests.support.synthesis import Synthesizer
from tools.costs import BILLED, Item, is_billed, load_prices, monthly_items
from tools.costs.document import page
from tools.costs.estimate import ITEMS
from tools.errors import ToolError


def quantities(template: Template) -> dict[str, float]:
    return {item.name: item.quantity for item in monthly_items(template)}


def test_quantities_follow_the_resources(synth: Synthesizer) -> None:
    bastion = quantities(Template(synth("bastion").document))
    assert bastion["NAT gateway"] == 2
    # Two of the NAT gateways, and that of the instance.
    assert bastion["public IPv4 address"] == 3
    assert bastion["EBS gp3, per GB"] == 8

    copy = synth("web").copy()
    web = quantities(Template(copy.document))
    group = copy.get("aws_autoscaling_group")
    assert web["EC2 t3.micro"] == group["min_size"] == 2
    group.body["min_size"] = 3
    database = copy.get("aws_db_instance")
    database.body["multi_az"] = False
    copy.get("aws_lb", "LoadBalancer").body["internal"] = True
    changed = quantities(Template(copy.document))
    assert changed["EC2 t3.micro"] == 3
    assert changed["EBS gp3, per GB"] == 1.5 * web["EBS gp3, per GB"]
    assert changed["RDS PostgreSQL db.t4g.medium"] == 1
    assert changed["RDS gp3 storage, per GB"] == database["allocated_storage"]
    assert changed["public IPv4 address"] == web["public IPv4 address"] - 2


def test_gateway_endpoints_cost_nothing(tap: Template) -> None:
    endpoints = tap.resources("aws_vpc_endpoint")
    assert [is_billed(one.type, one.body) for one in endpoints].count(False) == 1
    assert quantities(Template(tap.document))["interface endpoint, per zone"] == 2


@pytest.mark.parametrize("stack", STACKS)
def test_every_billed_resource_has_a_price(stack: str, synth: Synthesizer) -> None:
    template = Template(synth(stack).document)
    types = {one.type for one in template.resources() if is_billed(one.type, one.body)}
    assert types <= ITEMS.keys()
    prices = load_prices()
    for item in monthly_items(template):
        assert prices.monthly(item) > 0


def test_types_of_the_estimate_are_reported_by_the_plan_review() -> None:
    """Except those whose price is too low to report."""
    small = {"aws_cloudwatch_dashboard", "aws_cloudwatch_metric_alarm", "aws_kms_key"}
    assert ITEMS.keys() - small - {"aws_secretsmanager_secret"} <= BILLED.keys()


def test_hourly_and_monthly_prices() -> None:
    prices = load_prices()
    assert prices.monthly(Item("NAT gateway", 2)) == pytest.approx(2 * 730 * 0.045)
    assert prices.monthly(Item("WAF rule", 5)) == 5
    with pytest.raises(ToolError, match=r"prices: received 'EC2 x9.huge'; accepted: NAT gateway"):
        prices.monthly(Item("EC2 x9.huge"))


def test_the_page_has_totals_items_and_the_date(synth: Synthesizer) -> None:
    prices = replace(load_prices(), date="2020-01-31")
    state = Template(synth("state").document | {"resource": {}})
    text = page(prices, [Template(synth("bastion").document), state])
    total = sum(map(prices.monthly, monthly_items(Template(synth("bastion").document))))
    assert f"| bastion | {total:.0f} | NAT gateway 66; public IPv4 address 11; " in text
    assert "as\nrecorded on 2020-01-31 in" in text
    assert "## state\n\nNo resource is billed for its existence.\n" in text


def test_the_prices_are_dated_and_have_sources() -> None:
    prices = load_prices()
    assert datetime.date.fromisoformat(prices.date) <= datetime.datetime.now(tz=datetime.UTC).date()
    for price in (*prices.price.values(), *prices.usage.values()):
        assert price.page.startswith("https://aws.amazon.com/")
        assert "/pricing/" in price.page
