#!/usr/bin/env bash
# `checkov --config-file FILE` still obeys a .checkov.yaml in the working folder: the file adds to it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check checkov==3.3.30
cd "$work"
mkdir strict folder
cat >strict/template.json <<'JSON'
{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "findings"}}}}
JSON
echo 'framework: [cloudformation]' >strict/config.yaml
printf 'skip-check: [CKV_AWS_18, CKV_AWS_21]\n' >folder/.checkov.yaml

# The failed checks of the same file with the same --config-file, in the working folder $1.
failed() {
    (cd "$1" && "$work/venv/bin/checkov" --config-file "$work/strict/config.yaml" --file "$work/strict/template.json" --output json --compact --quiet --skip-download || true) |
        "$work/venv/bin/python" -c 'import json, sys; print(*sorted(check["check_id"] for check in json.load(sys.stdin)["results"]["failed_checks"]))'
}
elsewhere=$(failed strict)
beside=$(failed folder)
echo "checkov 3.3.30 with --config-file, elsewhere:                $elsewhere"
echo "checkov 3.3.30 with --config-file, beside a .checkov.yaml:   $beside"
[[ " $elsewhere " == *" CKV_AWS_18 "* && " $elsewhere " == *" CKV_AWS_21 "* && " $beside " != *" CKV_AWS_18 "* && " $beside " != *" CKV_AWS_21 "* ]]
