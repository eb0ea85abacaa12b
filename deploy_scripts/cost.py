#!/usr/bin/env python3
"""Works out what Fleet API needs and costs on AWS. docs/cost.md is its output.

    deploy_scripts/cost.py                          prints docs/cost.md
    deploy_scripts/cost.py --check docs/cost.md     fails if the file is not what it would print
    deploy_scripts/cost.py --set acu_hour=0.14 …    with other inputs; --inputs lists all of them

Everything is plain arithmetic on the inputs below; nothing is asked of AWS. The free tier, taxes, discounts and data transfer
within AWS are left out.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

READ = "read in November 2026"
LAMBDA = f"https://cloudchipr.com/blog/aws-lambda-pricing, {READ}"
GATEWAY = f"https://docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration/cost-optimization.html, {READ}"
DYNAMODB = f"https://airbyte.com/data-engineering-resources/dynamodb-pricing, {READ}"
AURORA = f"https://c3x.dev/blog/aws-aurora-serverless-v2-cost/, {READ}"
AURORA_IO = f"https://www.jusdb.com/blog/aws-rds-vs-aurora-vs-serverless-cost-comparison, {READ}"
TRANSFER = f"https://awsforengineers.com/blog/aws-api-gateway-pricing-explained, {READ}"
GUIDE = "docs/deploying.md"
NOT_READ = "not confirmed"
ASSUMED = "assumed"

# name: (value, what it is, source). Prices are dollars in us-east-1.
INPUTS = {
    "gateway_million": (3.50, "a million requests to a REST API, up to 333 million a month", GATEWAY),
    "gateway_million_2": (2.80, "the next 667 million", GATEWAY),
    "gateway_million_3": (2.38, "the next 19,000 million", GATEWAY),
    "gateway_million_4": (1.51, "each million above that", GATEWAY),
    "lambda_million": (0.20, "a million invocations", LAMBDA),
    "lambda_gb_second": (0.0000166667, "a GB-second on x86_64, up to 6,000 million a month", LAMBDA),
    "lambda_gb_second_2": (0.000015, "the next 9,000 million", LAMBDA),
    "lambda_gb_second_3": (0.000013334, "each GB-second above that", LAMBDA),
    "dynamodb_read_million": (0.125, "a million read request units, on demand", DYNAMODB),
    "dynamodb_write_million": (0.625, "a million write request units, on demand", DYNAMODB),
    "dynamodb_gb_month": (0.25, "a GB of table for a month", f"https://aws.amazon.com/dynamodb/pricing/, {READ}"),
    "data_api_million": (0.35, "a million calls of the Data API, up to 1,000 million a month", f"https://aws.amazon.com/rds/aurora/pricing/, {NOT_READ}"),
    "data_api_million_2": (0.20, "each million above that", f"https://aws.amazon.com/rds/aurora/pricing/, {NOT_READ}"),
    "acu_hour": (0.12, "an ACU for an hour", AURORA),
    "aurora_gb_month": (0.10, "a GB of database for a month", GUIDE),
    "aurora_io_million": (0.20, "a million I/O operations of the database", AURORA_IO),
    "logs_gb": (0.50, "a GB of log lines taken in", GUIDE),
    "alarm_month": (0.10, "an alarm for a month", GUIDE),
    "secret_month": (0.40, "a secret for a month", f"https://aws.amazon.com/secrets-manager/pricing/, {NOT_READ}"),
    "transfer_gb": (0.09, "a GB sent to the internet", TRANSFER),
    "memory_mb": (256, "memory of a function, MB", "template.yaml"),
    "stage_rate": (200, "requests a second that each route accepts (StageRateLimit)", "template.yaml"),
    "key_rate": (50, "requests a second of an API key (KeyRateLimit)", "template.yaml"),
    "max_acus": (4, "the most ACUs of the database (MaxCapacity)", "deploy_scripts/database.yaml"),
    "largest_acus": (256, "the most ACUs that a cluster can have",
                     "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html"),
    "gateway_quota": (10_000, "requests a second of an account in a region",
                      "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"),
    "lambda_quota": (1_000, "concurrent executions of an account; a new one may begin with 10",
                     "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"),
    "table_quota": (40_000, "read or write units a second of a table",
                    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"),
    "own_ms": (1, "billed time of a function itself, ms", ASSUMED),
    "dynamodb_ms": (5, "a call to DynamoDB, ms", ASSUMED),
    "data_api_ms": (20, "a call to the Data API, ms", ASSUMED),
    "write_units": (1, "write units of a changed dimension, whose item has at most a kilobyte", "crates/aws/src/dimensions/item.rs"),
    "calls_per_acu": (200, "calls of the Data API that an ACU answers in a second", ASSUMED),
    "ios_per_add": (6, "I/O operations of an added instance", ASSUMED),
    "log_bytes": (900, "bytes of the log lines of a request", ASSUMED),
    "answer_bytes": (600, "bytes of an answer with its headers", ASSUMED),
    "instance_bytes": (1_000, "bytes of an instance with two packages and its index entries", ASSUMED),
    "dimension_bytes": (500, "bytes of a dimension's item", ASSUMED),
    "alarms": (17, "alarms of the template", "template.yaml"),
    "secrets": (3, "secrets of the database: owner, reader, writer", "deploy_scripts/create_schema.sh"),
    "least_acus": (1.0, "ACUs of an idle prod: a writer and a reader at 0.5", "deploy_scripts/config-prod.env"),
}

MONTH_SECONDS = 30 * 24 * 3600
MONTH_HOURS = 30 * 24
MILLION = 1_000_000


@dataclass(frozen=True)
class Kind:
    """One kind of request, with its requests to each store. The counts are the contract's, in production mode."""

    name: str
    share: float
    reads: int = 0
    changes: int = 0
    data_api: int = 0
    adds: int = 0


KINDS = [
    Kind("dimension read", 0.45, reads=1),
    Kind("dimension change", 0.05, reads=1, changes=1),
    Kind("inventory read", 0.40, data_api=1),
    Kind("inventory list", 0.05, data_api=1),
    Kind("inventory add, 2 packages", 0.03, data_api=4, adds=1),
    Kind("books, metadata, health", 0.02),
]
RATES = [10, 1_000, 100_000]


def tiered(count, tiers):
    """The price of `count` things, by tiers of (size, price); the last one has no end."""
    total = 0.0
    for size, price in tiers:
        part = count if size is None else min(count, size)
        total += part * price
        count -= part
    return total


class Costs:
    def __init__(self, inputs):
        self.of = inputs

    def milliseconds(self, kind):
        stores = (kind.reads + kind.changes) * self.of["dynamodb_ms"] + kind.data_api * self.of["data_api_ms"]
        return self.of["own_ms"] + stores

    def month(self, requests, acu_hours):
        """The parts of the bill for `requests` (a kind and a number each) within a month."""
        of = self.of
        total = sum(number for _, number in requests)

        def add_up(need):
            return sum(need(kind) * number for kind, number in requests)

        gb_seconds = add_up(self.milliseconds) / 1000 * of["memory_mb"] / 1024
        calls = add_up(lambda kind: kind.data_api)
        return {
            "API Gateway": tiered(total / MILLION, [(333, of["gateway_million"]), (667, of["gateway_million_2"]),
                                                    (19_000, of["gateway_million_3"]), (None, of["gateway_million_4"])]),
            "Lambda": total / MILLION * of["lambda_million"] + tiered(
                gb_seconds, [(6e9, of["lambda_gb_second"]), (9e9, of["lambda_gb_second_2"]), (None, of["lambda_gb_second_3"])]),
            "DynamoDB": add_up(lambda kind: kind.reads) / MILLION * of["dynamodb_read_million"]
            + add_up(lambda kind: kind.changes) * of["write_units"] / MILLION * of["dynamodb_write_million"],
            "Data API": tiered(calls / MILLION, [(1_000, of["data_api_million"]), (None, of["data_api_million_2"])]),
            "Aurora": acu_hours * of["acu_hour"]
            + add_up(lambda kind: kind.adds) * of["ios_per_add"] / MILLION * of["aurora_io_million"],
            "logs": total * of["log_bytes"] / 1e9 * of["logs_gb"],
            "transfer": total * of["answer_bytes"] / 1e9 * of["transfer_gb"],
        }

    def needs(self, rate):
        """The capacity that a mixed rate of requests always needs."""
        concurrency = sum(rate * kind.share * self.milliseconds(kind) for kind in KINDS) / 1000
        calls = sum(rate * kind.share * kind.data_api for kind in KINDS)
        reads = sum(rate * kind.share * kind.reads for kind in KINDS)
        writes = sum(rate * kind.share * kind.changes for kind in KINDS) * self.of["write_units"]
        acus = max(self.of["least_acus"], calls / self.of["calls_per_acu"])
        return {"concurrency": concurrency, "calls": calls, "reads": reads, "writes": writes, "acus": acus}

    def limits(self, rate):
        """The limits for a mixed rate of requests, lowest first: the rate, the limit's name, and what to change."""
        of, one = self.of, self.needs(1)
        busiest = max(kind.share for kind in KINDS)
        inventory = sum(kind.share for kind in KINDS if kind.data_api)
        calls = sum(kind.share * kind.data_api for kind in KINDS)
        met = [
            (of["key_rate"] / inventory, "one API key for all of the inventory", "more keys, or `KeyRateLimit`"),
            (of["stage_rate"] / busiest, "the busiest route's throttle", "`StageRateLimit`, `StageBurstLimit`"),
            (of["max_acus"] * of["calls_per_acu"] / calls, "the database's ACUs", "`MAX_CAPACITY`; a cache for reads of the inventory"),
            (of["largest_acus"] * of["calls_per_acu"] / calls, "the largest writer", "a cache, or separate inventories for groups of accounts"),
            (of["gateway_quota"], "the account's requests a second", "ask AWS for more; or the server behind a load balancer"),
            (of["lambda_quota"] / one["concurrency"], "the account's concurrent executions", "ask AWS for more"),
            (of["table_quota"] / max(one["reads"], one["writes"]), "the table's units a second", "ask AWS for more"),
        ]
        return sorted(limit for limit in met if limit[0] <= rate)


def dollars(value):
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def number(value):
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def document(inputs):
    costs = Costs(inputs)
    of = inputs
    out = [
        "# Capacity and cost on AWS",
        "",
        "Calculated by `deploy_scripts/cost.py`, which printed this page; `--set` changes an input, and `--inputs` lists them.",
        "Prices are dollars in us-east-1, by the sources below, read in November 2026; the price page of each service is authoritative. An input marked *not confirmed* or",
        "*assumed* is ours: measure your own. The free tier, taxes, discounts and data transfer within AWS are left out.",
        "",
        "## An idle month",
        "",
    ]
    fixed = {
        "the database at its minimum capacity (a writer and a reader)": of["least_acus"] * MONTH_HOURS * of["acu_hour"],
        "the same in dev, paused": 0.0,
        "alarms": of["alarms"] * of["alarm_month"],
        "secrets": of["secrets"] * of["secret_month"],
    }
    out += table(["what", "dollars"], [[name, dollars(value)] for name, value in fixed.items()])
    out += ["", "Functions, API and table cost nothing while there are no requests.", "", "## A million of each request", ""]
    parts = list(costs.month([], 0))
    rows = []
    for kind in KINDS:
        bill = costs.month([(kind, MILLION)], 0)
        rows.append([kind.name, f"{costs.milliseconds(kind):g}", str(kind.reads + kind.changes + kind.data_api)]
                    + [dollars(bill[part]) for part in parts] + [dollars(sum(bill.values()))])
    out += table(["request", "billed ms", "store calls", *parts, "together"], rows)
    out += ["", "The database's ACUs are by the hour and not in this table. A dimension that is read in demo mode may take a second call.",
            "", "## 10, 1,000 and 100,000 requests a second", "",
            "Of these, " + ", ".join(f"{kind.share:.0%} {kind.name}" for kind in KINDS) + "; a month of 30 days.", ""]
    needs, bills = [], []
    for rate in RATES:
        need = costs.needs(rate)
        needs.append([f"{rate:,}", f"{need['concurrency']:,.1f}", f"{need['reads']:,.0f}", f"{need['writes']:,.1f}",
                      f"{need['calls']:,.0f}", f"{need['acus']:,.1f}"])
        month = costs.month([(kind, rate * kind.share * MONTH_SECONDS) for kind in KINDS], need["acus"] * MONTH_HOURS)
        bills.append([f"{rate:,}"] + [dollars(month[part]) for part in parts] + [dollars(sum(month.values()))])
    out += table(["a second", "functions at once", "DynamoDB reads", "write units", "Data API calls", "ACUs"], needs)
    out += ["", "Dollars a month:", ""]
    out += table(["a second", *parts, "together"], bills)
    out += ["", "### The limits, lowest first", ""]
    rows = []
    below = 0
    for rate in RATES:
        new = [limit for limit in costs.limits(rate) if limit[0] > below]
        rows += [[f"{rate:,}", f"{at:,.0f}", name, change] for at, name, change in new] or [[f"{rate:,}", "", "none", ""]]
        below = rate
    out += table(["on the way to", "met at", "limit", "what to change"], rows)
    out += [
        "",
        "A single dimension has DynamoDB's limit of a partition, 3,000 reads and 1,000 write units a second; dimensions are independent.",
        "A new account may begin with 10 concurrent executions, which is reached long before the others.",
        "At 100,000 requests a second most of the bill is for requests as such: at that rate, replace API Gateway and Lambda by a few",
        "large servers (docs/containers.md), and let a CDN answer `GET /api/…`.",
        "",
        "## Growth",
        "",
    ]
    rows = []
    for count in (MILLION, 100 * MILLION, 1_000 * MILLION):
        aurora, dynamodb = count * of["instance_bytes"] / 1e9, count * of["dimension_bytes"] / 1e9
        rows.append([f"{count:,}", f"{aurora:,.0f}", dollars(aurora * of["aurora_gb_month"]), f"{dynamodb:,.1f}",
                     dollars(dynamodb * of["dynamodb_gb_month"])])
    out += table(["of each", "GB of instances", "dollars a month", "GB of dimensions", "dollars a month"], rows)
    out += [
        "",
        "Neither store has a limit of size near that (Aurora 128 TiB). The cost of a page of a list does not grow with the number of",
        "instances ([performance.md](performance.md#lists-of-a-million-instances)). What grows is the memory that an index wants: give",
        "the database more ACUs when its disk reads grow.",
        "",
        "## Inputs",
        "",
    ]
    out += table(["input", "value", "what", "source"],
                 [[f"`{name}`", number(inputs[name]), what, source] for name, (_, what, source) in INPUTS.items()])
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Works out what Fleet API needs and costs on AWS, from inputs that are prices and assumptions.")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another value for an input; may be repeated")
    parser.add_argument("--inputs", action="store_true", help="list the inputs with their values")
    parser.add_argument("--check", metavar="FILE", type=Path, help="compare FILE with the output instead of printing it")
    options = parser.parse_args()
    inputs = {name: value for name, (value, _, _) in INPUTS.items()}
    for given in options.set:
        name, _, value = given.partition("=")
        if name not in inputs:
            parser.error(f"unknown input {name}: --inputs lists them")
        try:
            inputs[name] = float(value)
        except ValueError:
            parser.error(f"{name} must be a number")
        if not 0 < inputs[name] < float("inf"):
            parser.error(f"{name} must be a number above 0")
    if options.inputs:
        for name, (_, what, source) in INPUTS.items():
            print(f"{name}={number(inputs[name])}  {what} ({source})")
        return 0
    text = document(inputs)
    if options.check is None:
        print(text, end="")
    elif options.check.read_text() != text:
        print(f"{options.check} is not the output of deploy_scripts/cost.py: regenerate it with deploy_scripts/cost.py > {options.check}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
