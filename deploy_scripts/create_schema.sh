#!/usr/bin/env bash
# Applies the migrations of ddl/ and makes the functions' users, through the Data API.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/lib_sql.sh"

# How long a claim may stay unchanged before its run counts as dead. A live run gets the result of its statement, or a
# timeout, within the Data API's 45 s.
readonly CLAIM_SECONDS=${SCHEMA_CLAIM_SECONDS:-60}

help() {
    cat <<'TEXT'
Usage: deploy_scripts/create_schema.sh [dev|prod|local] [--rotate reader|writer]

Brings an environment's database (dev by default) up to date: applies the numbered migrations of ddl/ that it does not
have yet, through the RDS Data API, and prints the schema's version and the tables. The database records its
migrations in the table schema_version, so this can be run again at any time, and resumes where an earlier run ended.
Concurrent runs, or a run and the start of a server, wait for each other. Waits up to 120 s for a paused cluster.

Then it creates the two users that the functions connect as, each with a secret: fleet_reader (SELECT), and fleet_writer
(SELECT, and INSERT and DELETE on the two tables). An existing user gets the password of its secret again.

  --rotate reader|writer   gives that user and its secret a new password

The cluster and its secret come from the database's stack, or from DB_CLUSTER_ARN and DB_SECRET_ARN where these are set.
The users' secrets are DATABASE_STACK/reader and DATABASE_STACK/writer, with a replica in STANDBY_REGION where that is set.
local means the local AWS endpoints of `cargo run`, whose server creates its users itself.
TEXT
}

case ${1:-} in -h | --help) help; exit 0 ;; esac
named=dev
if (($# > 0)) && [[ $1 != -* ]]; then
    named=$1
    shift
fi
rotates=""
if [[ ${1:-} == --rotate ]]; then
    rotates=${2:-}
    [[ $rotates == reader || $rotates == writer ]] || usage_error "--rotate needs reader or writer"
    shift 2
fi
(($# == 0)) || usage_error "too many arguments: $*"

need_aws
load_settings "$named" dev prod local
need_settings DB_NAME

migrations=("$root_dir"/ddl/V*.sql)
[[ -e ${migrations[0]} ]] || die "there are no migrations in $root_dir/ddl. Check out the whole repository."

find_database

# Identifies this run in the rows of schema_version: 36 characters, as the column requires.
claim=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1; }

# claim_migration: true if this run is to apply the migration `version`, false if the database already has it.
claim_migration() {
    local found owner applied seen="" since=$SECONDS
    while true; do
        ask_database "SELECT checksum, claim, applied_utc FROM schema_version WHERE version = $version"
        if [[ -z $answer ]]; then
            if try_statement "INSERT INTO schema_version (version, name, checksum, oldest_functions, claim, applied_utc)
                VALUES ($version, '$name', '$checksum', $oldest_functions, '$claim', NULL)"; then return 0; fi
            # Another run was first; or the response to our own claim was lost, and the CLI resent it.
            [[ $refusal == *"rror code: 1062"* ]] || explain_database "$refusal"
            continue
        fi
        read -r found owner applied <<<"$answer"
        if [[ $applied != "$NULL" ]]; then
            [[ $found == "$checksum" ]] ||
                die "$DB_NAME has a migration $version that differs from $(basename "$file"). Check out the version that was deployed: an applied migration is never edited."
            return 1
        fi
        if [[ $owner == "$claim" ]]; then return 0; fi
        if [[ $owner != "$seen" ]]; then
            seen=$owner since=$SECONDS
            say "  $(basename "$file"): another run is applying it; waiting"
        elif ((SECONDS - since >= CLAIM_SECONDS)); then
            say "  $(basename "$file"): that run has died; taking over"
            ask_database "UPDATE schema_version SET claim = '$claim' WHERE version = $version AND claim = '$owner' AND applied_utc IS NULL"
            continue
        fi
        sleep 1
    done
}

# apply_migration: runs the statement of a claimed migration, and records it. MySQL commits each definition, so a run
# may end between the two; if the work is already done, that counts as success.
apply_migration() {
    local why mine="version = $version AND claim = '$claim' AND applied_utc IS NULL"
    until try_statement "$(cat "$file")" --continue-after-timeout; do
        case $refusal in
            *"rror code: 1050"* | *"rror code: 1060"* | *"rror code: 1061"* | *"rror code: 1091"*) break ;;
            *StatementTimeout*)
                say "  $(basename "$file"): still running; checking again in 5 s"
                sleep 5
                ;;
            *)
                why=$refusal
                # Nobody should have to wait for a run that gave up.
                try_statement "DELETE FROM schema_version WHERE $mine" || true
                explain_database "$why"
                ;;
        esac
    done
    ask_database "UPDATE schema_version SET applied_utc = UTC_TIMESTAMP() WHERE $mine"
}

say "Bringing $DB_NAME on $DB_CLUSTER_ARN up to date."
ask_database "$(cat "$root_dir/ddl/schema_version.sql")"
known=$(basename "${migrations[-1]}")
known=$((10#${known:1:4}))
ask_database "SELECT MAX(version), MAX(oldest_functions) FROM schema_version"
read -r newest oldest_functions <<<"${answer//$NULL/0}"
((oldest_functions <= known)) ||
    die "$DB_NAME has schema version $newest, which needs functions that know version $oldest_functions; ddl/ here ends at $known. Check out the version that was deployed."
# One query instead of one per migration that is already applied.
ask_database "SELECT version, checksum FROM schema_version WHERE applied_utc IS NOT NULL"
recorded=$answer
for file in "${migrations[@]}"; do
    name=$(basename "$file" .sql)
    version=$((10#${name:1:4}))
    name=${name#V????__}
    checksum=$(sha256 "$file")
    oldest_functions=$(sed -n 's/^-- contract: *\([0-9][0-9]*\) *$/\1/p' "$file")
    oldest_functions=${oldest_functions:-0}
    if [[ $'\n'$recorded$'\n' == *$'\n'"$version $checksum"$'\n'* ]]; then
        say "  $(basename "$file"): already applied"
    elif claim_migration; then
        apply_migration
        say "  $(basename "$file"): applied"
    else
        say "  $(basename "$file"): already applied"
    fi
done
try_statement "$(cat "$root_dir/ddl/layout.sql")" ||
    die "$DB_NAME has tables with a layout other than that of ddl/ ($refusal). Move them away, or choose another DB_NAME."

ask_database "SELECT MAX(version) FROM schema_version WHERE applied_utc IS NOT NULL"
say "The schema of $DB_NAME is at version $answer. Its tables:"
ask_database "SHOW TABLES"
say "  ${answer//$'\n'/$'\n'  }"

[[ $environment != local ]] || exit 0
need_settings DATABASE_STACK

# new_password: 40 letters and digits, which need no quoting anywhere.
new_password() {
    local made
    made=$(ask_aws secretsmanager get-random-password --password-length 40 --exclude-punctuation --query RandomPassword --output text) || exit
    [[ $made =~ ^[A-Za-z0-9]{40}$ ]] || die "Secrets Manager returned no usable password; nothing was changed."
    printf '%s' "$made"
}

# secret_value USER PASSWORD: the secret's content, as the Data API reads it.
secret_value() { printf '{"username":"%s","password":"%s","engine":"mysql","dbname":"%s"}' "$1" "$2" "$DB_NAME"; }

# make_user ROLE RIGHTS...: creates the user fleet_ROLE with the password in its secret and the rights, each
# "PRIVILEGES ON TABLES". Passwords go through pipes and private files, since every user of the machine can read
# arguments.
make_user() {
    local role=$1 user="fleet_$1" secret="$DATABASE_STACK/$1" found status=0 password replicas right
    local -a replica=()
    shift
    if [[ -n ${STANDBY_REGION:-} && $AWS_REGION != "$STANDBY_REGION" ]]; then replica=(--add-replica-regions "Region=$STANDBY_REGION"); fi
    found=$(aws secretsmanager get-secret-value --secret-id "$secret" --query SecretString --output text 2>&1) || status=$?
    if ((status == 0)); then
        password=$(sed -n 's/.*"password" *: *"\([^"]*\)".*/\1/p' <<<"$found")
        [[ $found == *"\"$user\""* && $password =~ ^[A-Za-z0-9]+$ ]] ||
            die "the secret $secret was not created by this script: it must have the username $user and a password of letters and digits. Delete or rename it, and run this script again."
    else
        [[ $found == *ResourceNotFound* ]] || explain_aws "$found"
        password=$(new_password)
        secret_value "$user" "$password" >"$folder/value"
        ask_aws secretsmanager create-secret --name "$secret" --description "The user $user of $DB_NAME, for functions of Fleet API." \
            --secret-string "file://$folder/value" ${replica[@]+"${replica[@]}"} >/dev/null
        say "Created the secret $secret${replica:+ with a replica in $STANDBY_REGION}."
    fi
    if [[ -n ${replica[*]} ]]; then
        replicas=$(ask_aws secretsmanager describe-secret --secret-id "$secret" --query 'ReplicationStatus[].Region' --output text) || exit 1
        [[ " ${replicas//$'\t'/ } " == *" $STANDBY_REGION "* ]] ||
            ask_aws secretsmanager replicate-secret-to-regions --secret-id "$secret" "${replica[@]}" >/dev/null
    fi
    ask_database "CREATE USER IF NOT EXISTS '$user'@'%' IDENTIFIED BY '$password'"
    if [[ $rotates == "$role" ]]; then
        password=$(new_password)
        # MySQL then also accepts the old password, so nobody is refused before the secret has the new one. If this
        # run ends in between, both remain valid.
        try_statement "ALTER USER '$user'@'%' IDENTIFIED BY '$password' RETAIN CURRENT PASSWORD" ||
            ask_database "ALTER USER '$user'@'%' IDENTIFIED BY '$password'"
        secret_value "$user" "$password" >"$folder/value"
        ask_aws secretsmanager put-secret-value --secret-id "$secret" --secret-string "file://$folder/value" >/dev/null
        say "The user $user and the secret $secret have a new password. The next run of this script invalidates the old one."
    else
        # Repairs a rotation that was interrupted, and invalidates the password before the last rotation.
        ask_database "ALTER USER '$user'@'%' IDENTIFIED BY '$password'"
        try_statement "ALTER USER '$user'@'%' DISCARD OLD PASSWORD" || true
    fi
    for right in "$@"; do ask_database "GRANT $right TO '$user'@'%'"; done
    say "  $user: $(printf '%s; ' "$@" | sed 's/; $//')"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 700 "$folder"
say "The functions' users:"
make_user reader "SELECT ON $DB_NAME.*"
make_user writer "SELECT ON $DB_NAME.*" "INSERT, DELETE ON $DB_NAME.ec2" "INSERT, DELETE ON $DB_NAME.ec2_package"
