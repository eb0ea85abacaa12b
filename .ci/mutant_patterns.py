#!/usr/bin/env python3
"""Fails if a pattern in .cargo/mutants.toml matches no mutant any more: the excused code was renamed or removed, and
the pattern could excuse something else one day. Needs cargo-mutants; the nightly run calls it."""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["fleet-core", "fleet-http", "fleet-aws"]

settings = tomllib.loads((ROOT / ".cargo/mutants.toml").read_text())
packages = [argument for package in PACKAGES for argument in ("--package", package)]
listed = subprocess.run(
    ["cargo", "mutants", "--list", "--no-config", *packages], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
).stdout.splitlines()
stale = [pattern for pattern in settings["exclude_re"] if not any(re.search(pattern, mutant) for mutant in listed)]
stale += [
    glob for glob in settings["exclude_globs"] if not any(fnmatch.fnmatch(mutant.split(":")[0], glob) for mutant in listed)
]
for pattern in stale:
    print(f".cargo/mutants.toml: {pattern} matches none of {len(listed)} mutants")
sys.exit(bool(stale))
