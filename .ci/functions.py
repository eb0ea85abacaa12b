"""Arranges the functions' programs as `sam build` does, from what cargo has built: functions.py TREE PROGRAMS.

TREE/.aws-sam/build gets a folder with a stripped `bootstrap` for each function of TREE/template.yaml, and the template that
names these folders. See functions.sh.
"""

import re
import subprocess
import sys
from pathlib import Path


def symbols(program):
    return subprocess.run(["nm", program], capture_output=True, check=True, text=True).stdout


def main():
    tree, programs = map(Path, sys.argv[1:])
    build = tree / ".aws-sam/build"
    name, lines, wrong, with_aws_lc = "", [], [], 0
    for line in (tree / "template.yaml").read_text().splitlines():
        if found := re.fullmatch(r"  (\w+):", line):
            name = found[1]
        if found := re.fullmatch(r"( +CodeUri: )crates/functions/([\w-]+)", line):
            program = programs / found[2]
            (build / name).mkdir(parents=True)
            subprocess.run(["strip", "-o", build / name / "bootstrap", program], check=True)
            defined = symbols(program)
            if "aws_lc_" in defined:
                with_aws_lc += 1
                # What AWS_LC_SYS_NO_JITTER_ENTROPY of .cargo/config.toml leaves out.
                if "jent_" in defined:
                    wrong.append(f"{program.name} collects CPU jitter: its build did not read .cargo/config.toml")
            line = found[1] + name
        lines.append(line)
    (build / "template.yaml").write_text("\n".join(lines) + "\n")
    if not with_aws_lc:
        wrong.append("no function has AWS-LC, so whether it collects CPU jitter was not seen")
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
