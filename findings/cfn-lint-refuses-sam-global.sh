#!/usr/bin/env bash
# cfn-lint refuses AutoPublishAliasAllProperties in Globals, where SAM takes it and hands it to each function.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check cfn-lint==1.58.0 aws-sam-translator==1.115.0
cat >"$work/template.yaml" <<'YAML'
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    AutoPublishAlias: live
    AutoPublishAliasAllProperties: true
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: s3://bucket/code
YAML
linted=$("$work/venv/bin/cfn-lint" --format parseable "$work/template.yaml" || true)
taken=$(cd "$work" && AWS_DEFAULT_REGION=us-east-1 venv/bin/python - 2>/dev/null <<'PYTHON'
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

def version(memory):
    template = yaml.safe_load(open("template.yaml"))
    template["Resources"]["Function"]["Properties"]["MemorySize"] = memory
    made = Translator({}, Parser()).translate(template, {})["Resources"]
    return next(name for name, one in made.items() if one["Type"] == "AWS::Lambda::Version")

# Without the word, a version changes with the code alone.
print(version(128) != version(256))
PYTHON
)
printf 'cfn-lint 1.58.0 says: %s\naws-sam-translator 1.115.0 heeds it: %s\n' "${linted#*/template.yaml:}" "$taken"
[[ $linted == *E3724*AutoPublishAliasAllProperties* && $taken == True ]]
