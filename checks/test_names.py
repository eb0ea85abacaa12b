"""Names of the Rust types: each is the noun of what it is, and stands for one thing. Needs only the sources."""

import re
from collections import defaultdict

from conftest import ROOT
from findings import no_findings

# Associated types and types in a trait's implementation are indented, and share the trait's name for them.
DECLARATION = re.compile(r"^(?:\s*(?:pub(?:\([a-z: ]+\))? )?(?:struct|enum|trait|union)|(?:pub(?:\([a-z: ]+\))? )?type) ([A-Z]\w*)")
TESTS = re.compile(r"^\s*mod tests \{")
# A single word for an action instead of a thing.
PARTICIPLE = re.compile(r"[A-Z][a-z]+(ed|ing)|Begun|Built|Done|Found|Given|Heard|Held|Kept|Known|Left|Made|Met|Said|Seen|Sent|Shown|Spent|Taken|Told|Written")
NOUNS = {
    # A responder that is being served, as in web hosting.
    "Hosting",
}


def declarations():
    """Each name of a type outside of tests, with the place of its declaration."""
    for file in sorted((ROOT / "crates").rglob("*.rs")):
        if "tests" in file.parts or "target" in file.parts or file.name == "tests.rs":
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if TESTS.match(line):
                break
            if found := DECLARATION.match(line):
                yield found[1], f"{file.relative_to(ROOT)}:{number}"


@no_findings
def test_two_types_never_share_a_name():
    places = defaultdict(list)
    for name, place in declarations():
        places[name].append(place)
    assert len(places) > 500, "the declarations were not found"
    for name, declared in places.items():
        if len(declared) > 1:
            yield f"{name} is declared in {', '.join(declared)}: say in each name which one it is"


@no_findings
def test_no_type_is_named_by_a_participle():
    for name, place in declarations():
        if PARTICIPLE.fullmatch(name) and name not in NOUNS:
            yield f"{place}: {name} says what was done; name the type for what it is, as in QueryPlan or RequestLine"
