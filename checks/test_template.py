"""What no linter knows about the templates: consistency between files, and rules that only AWS enforces."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

from findings import no_findings
from samcli.yamlhelper import yaml_parse
from transformed import ROOT

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
FUNCTIONS = {name: found for name, found in TEMPLATE["Resources"].items() if found["Type"] == "AWS::Serverless::Function"}
# The functions with routes. The authorizer has none, and sam local does not call it.
WITH_ROUTES = {name: found for name, found in FUNCTIONS.items() if "Events" in found["Properties"]}
# Set if AWS is not at its usual URL; every function that calls AWS needs both under `sam local`, which sets an empty
# one.
ENDPOINTS = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS_DATA"}
# The features of aws-config for people's sign-in methods: three more SDK clients, which no function may contain.
SIGN_IN = {"credentials-login", "credentials-process", "sso"}
# The programs that people run.
RUN_BY_PEOPLE = ("fleet-server", "simulate-scaling")
# The functions that a template's Rules may call, from "Rule functions" in CloudFormation's reference. cfn-lint accepts
# others.
RULE_FUNCTIONS = {"Ref"} | {
    f"Fn::{name}"
    for name in ("And", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "Not", "Or", "RefAll", "ValueOf", "ValueOfAll")
}


@no_findings
def test_each_route_has_an_event_and_each_event_a_route():
    """Every route has an event in events/, and every event a route."""
    routes = set()
    for function in WITH_ROUTES.values():
        for event in function["Properties"]["Events"].values():
            routes.add((event["Properties"]["Method"], event["Properties"]["Path"]))
    events = set()
    for file in (ROOT / "events").glob("*-*.json"):
        event = json.loads(file.read_text())
        events.add((event["httpMethod"], event["resource"]))
        path = event["resource"]
        for name, value in (event["pathParameters"] or {}).items():
            path = path.replace(f"{{{name}}}", value)
        if event["path"] != path or event["requestContext"]["resourcePath"] != event["resource"]:
            yield f"{file.name}: path, pathParameters and resource do not agree"
    for method, path in sorted(routes ^ events):
        yield f"{method} {path} is in {'template.yaml' if (method, path) in routes else 'events/'} alone"


@no_findings
def test_each_variable_has_a_value_for_sam_local():
    """events/env.local.json has a value for each variable that the template gives a function."""
    local = json.loads((ROOT / "events/env.local.json").read_text())
    for name in sorted(local.keys() ^ WITH_ROUTES.keys()):
        yield f"{name} is in one of template.yaml and events/env.local.json alone"
    for name, function in WITH_ROUTES.items():
        variables = function["Properties"].get("Environment", {}).get("Variables", {}).keys()
        expected = variables | ENDPOINTS if variables else variables
        for variable in sorted(expected ^ local.get(name, {}).keys()):
            yield f"{name}: {variable} is in one of template.yaml and events/env.local.json alone"


@no_findings
def test_each_function_has_the_secret_of_its_user_alone():
    """Functions that add or remove have only the writer's secret, others only the reader's, in settings and policy."""
    for name, function in FUNCTIONS.items():
        properties = json.dumps(function["Properties"])
        secrets = set(re.findall(r"/(reader|writer)(?:-\?{6})?\"", properties))
        expected = set()
        if "DB_SECRET" in properties:
            expected = {"writer"} if name in ("Ec2InventoryAdd", "Ec2InventoryRemove") else {"reader"}
        if secrets != expected:
            yield f"{name} has the secrets {sorted(secrets)}, not {sorted(expected)}"
        if "-SecretArn" in properties:
            yield f"{name} has the secret of the database's master user"


@no_findings
def test_sam_build_sees_every_change():
    """A function's folder leads to everything that it is built from, since `sam build` looks only there for changes."""
    inputs = {path.resolve() for path in (ROOT / "crates/build-inputs").iterdir()}
    for file in ("Cargo.toml", "Cargo.lock"):
        if ROOT / file not in inputs:
            yield f"crates/build-inputs does not lead to {file}"
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    packages = {package["name"]: package for package in metadata["packages"]}
    folders = {name: Path(package["manifest_path"]).parent for name, package in packages.items()}
    for name, function in FUNCTIONS.items():
        folder = ROOT / function["Properties"]["CodeUri"]
        binary = function["Metadata"]["BuildProperties"]["Binary"]
        if folders.get(binary) != folder:
            yield f"{name}: CodeUri is not the folder of the crate {binary}"
            continue
        if not (folder / "build-inputs").is_dir():
            yield f"{name}: {folder.relative_to(ROOT)} has no link build-inputs"
        needed, seen = [binary], set()
        while needed:
            package = packages[needed.pop()]
            for dependency in package["dependencies"]:
                found = dependency["name"]
                if dependency["kind"] != "dev" and found in packages and found not in seen:
                    seen.add(found)
                    needed.append(found)
        for missing in sorted(found for found in seen if folders[found] not in inputs):
            yield f"{name}: crates/build-inputs does not lead to {missing}"


@no_findings
def test_people_can_sign_in_and_functions_carry_nothing_for_it():
    """No function contains the sign-in methods for people, and the programs that people run do.

    `sam build` builds each function as a separate package, so only its own features count.
    """
    functions = {function["Metadata"]["BuildProperties"]["Binary"] for function in FUNCTIONS.values()}
    for package in (*sorted(functions), *RUN_BY_PEOPLE):
        command = ["cargo", "tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p} {f}", "--locked", "--offline"]
        tree = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
        features = {feature for found in re.findall(r"^aws-config v\S+ (\S+)", tree, re.M) for feature in found.split(",")}
        clients = sorted(set(re.findall(r"^(aws-sdk-(?:signin|sso\w*)) v", tree, re.M)))
        if package in functions:
            if found := clients + sorted(features & SIGN_IN):
                yield f"{package} is built with {', '.join(found)}, which only people need"
        elif missing := SIGN_IN - features:
            yield f"{package} is built without {', '.join(sorted(missing))} of aws-config"


@no_findings
def test_libraries_compile_without_an_sdk():
    """A handler's library, which tests and the document compile, needs no SDK: only the program has the feature
    `aws`."""
    for function in FUNCTIONS.values():
        package = function["Metadata"]["BuildProperties"]["Binary"]
        command = ["cargo", "tree", "--package", package, "--no-default-features", "--edges", "normal,dev", "--prefix", "none", "--format", "{p}", "--locked", "--offline"]
        tree = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
        if found := sorted(set(re.findall(r"^(aws-(?:config|sdk-\w+)) v", tree, re.M))):
            yield f"the library of {package} is built with {', '.join(found)}"


@no_findings
def test_the_settings_name_the_same_stacks():
    """samconfig.toml and the settings of deploy_scripts/ name the same stacks."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for environment, section in (("dev", "default"), ("prod", "prod")):
        settings = dict(re.findall(r'"\$\{(\w+):=(.*?)\}"', (ROOT / f"deploy_scripts/config-{environment}.env").read_text()))
        shared = config[section]["global"]["parameters"]
        if settings["API_STACK"] != shared["stack_name"]:
            yield f"{environment}: API_STACK is not samconfig.toml's stack_name"
        overrides = dict(pair.split("=") for pair in shared["parameter_overrides"].split())
        if settings["DATABASE_STACK"] != overrides["DatabaseStackName"]:
            yield f"{environment}: DATABASE_STACK is not samconfig.toml's DatabaseStackName"
        for name in sorted(overrides.keys() - TEMPLATE["Parameters"].keys()):
            yield f"{environment}: template.yaml has no parameter {name}"


@no_findings
def test_checkov_skips_beside_the_resource():
    """checkov's exceptions are beside the resource that their reason applies to."""
    for line in (ROOT / ".checkov.yaml").read_text().splitlines():
        if re.match(r"skip-check|skip_check|soft-fail", line):
            yield f".checkov.yaml: {line} is for every resource: skip it beside the resource (Metadata: checkov: skip)"


def functions_in(value):
    """The names of the intrinsic functions in a value of a template."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Ref" or name.startswith("Fn::"):
                yield name
            yield from functions_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from functions_in(inner)


@no_findings
def test_rules_call_what_cloudformation_knows_there():
    """The templates' Rules only call functions that CloudFormation allows there; it refuses others."""
    for file in (ROOT / "template.yaml", *sorted((ROOT / "deploy_scripts").glob("*.yaml"))):
        for rule, found in yaml_parse(file.read_text()).get("Rules", {}).items():
            for name in sorted(set(functions_in(found)) - RULE_FUNCTIONS):
                yield f"{file.relative_to(ROOT)}: the rule {rule} calls {name}, which CloudFormation does not know in Rules"
