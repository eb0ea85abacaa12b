#!/usr/bin/env bash
# Builds the server's image and pushes it to ECR.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help() {
    cat <<'TEXT'
Usage: deploy_scripts/push_image.sh [dev|prod] [OPTION...]

Creates the image repository if it does not exist (deploy_scripts/registry.yaml), builds the image of this checkout from the
Dockerfile and pushes it with its commit as the tag. One repository serves all environments. An existing image
stays as it is, since a tag is never moved to another image.

  --image NAME    push this image of the container engine instead of building one
  --tag TAG       the tag to push under [default: the commit's first 12 characters]
  --platform OS/ARCH
                  build for this processor [default: linux/amd64]
  --build-arg NAME=VALUE
                  goes to docker build, for example RUNTIME_IMAGE=debian:bookworm-slim; may be repeated

Afterwards: deploy_scripts/deploy_services.sh
TEXT
}

name=dev
image=""
tag=""
platform=linux/amd64
arguments=()
while (($# > 0)); do
    case $1 in
        -h | --help) help; exit 0 ;;
        --image | --tag | --platform | --build-arg)
            [[ -n ${2:-} ]] || usage_error "$1 needs a value"
            case $1 in
                --image) image=$2 ;;
                --tag) tag=$2 ;;
                --platform) platform=$2 ;;
                --build-arg) arguments+=(--build-arg "$2") ;;
            esac
            shift ;;
        -*) usage_error "unknown option: $1" ;;
        *) name=$1 ;;
    esac
    shift
done

load_settings "$name" dev prod
need_settings REGISTRY_STACK REPOSITORY_NAME
need_aws
need docker "https://docs.docker.com/engine/install/"
docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
    die "no container engine answers. Start Docker, or set DOCKER_HOST."

# ---- The image and its tag ----

cd "$root_dir"
if [[ -n $image ]]; then
    docker image inspect "$image" >/dev/null 2>&1 || die "the container engine has no image $image. Build it, or leave out --image."
fi
if [[ -z $tag || -z $image ]]; then
    need git "apt-get install git"
    commit=$(git rev-parse HEAD 2>/dev/null) || die "this folder is not a git checkout, so there is no commit to name the image after. Use one, or give --image and --tag."
fi
if [[ -z $tag ]]; then
    [[ -z $(git status --porcelain) ]] ||
        die "there are uncommitted changes, so the commit ${commit:0:12} is not what would be built. Commit them, or give --tag."
    tag=${commit:0:12}
fi
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] || die "'$tag' is not a valid image tag: up to 128 letters, digits, dots, hyphens and underscores."

check_account
check_deployable "$REGISTRY_STACK"

# ---- The repository ----

status=$(stack_status "$REGISTRY_STACK")
if [[ -z $status ]]; then
    existing=$(aws ecr describe-repositories --repository-names "$REPOSITORY_NAME" --query 'repositories[0].repositoryUri' --output text 2>&1) || {
        [[ $existing == *RepositoryNotFound* ]] || explain_aws "$existing"
        existing=""
    }
    [[ -z $existing ]] ||
        die "there already is a repository $REPOSITORY_NAME, which the stack $REGISTRY_STACK did not create. Set REPOSITORY_NAME to another name in deploy_scripts/config-$environment.env, or delete that repository."
    say "Deploying the stack $REGISTRY_STACK: the image repository $REPOSITORY_NAME."
    deploy_stack "$REGISTRY_STACK" registry.yaml --tags project=fleet-api \
        --parameter-overrides "RepositoryName=$REPOSITORY_NAME"
fi
repository=$(stack_output "$REGISTRY_STACK" RepositoryUri)
registry_name=$(stack_output "$REGISTRY_STACK" RepositoryName)
digest=$(image_digest "$registry_name" "$tag")
if [[ -n $digest ]]; then
    say "The image $repository:$tag already exists; nothing was pushed."
    say "Next: deploy_scripts/deploy_services.sh $environment --tag $tag"
    exit 0
fi

# ---- Build, and push ----

if [[ -z $image ]]; then
    image=fleet-api:$tag
    say "Building the image $image for $platform. This takes minutes the first time."
    DOCKER_BUILDKIT=1 docker build --platform "$platform" --tag "$image" \
        --build-arg "FLEET_COMMIT=$commit" --build-arg "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" \
        ${arguments[@]+"${arguments[@]}"} . || die "the image does not build. The reason is above; nothing was pushed."
fi

say "Pushing $repository:$tag."
# The password is piped, so it appears in neither an argument nor the log.
ask_aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}" >/dev/null ||
    die "the container engine could not sign in to ${repository%%/*}. The reason is above; nothing was pushed."
docker tag "$image" "$repository:$tag"
docker push --quiet "$repository:$tag" >/dev/null || die "the image could not be pushed. The reason is above."

digest=$(image_digest "$registry_name" "$tag")
[[ -n $digest ]] || die "the push succeeded, but ECR has no image $repository:$tag. Run the script again."
say "Pushed: $repository:$tag ($digest)"
say "Next: deploy_scripts/deploy_services.sh $environment --tag $tag"
