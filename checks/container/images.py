"""The image of the Dockerfile, and stand-ins for its base images if they cannot be pulled."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

from conftest import ROOT
from programs import output_of

IMAGE = "fleet-api-check:latest"
PROFILE = os.environ.get("FLEET_IMAGE_PROFILE", "dev")
LIBRARIES = "lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Selects BuildKit in any engine that has it.
BUILDKIT = os.environ | {"DOCKER_BUILDKIT": "1"}


def docker(*words):
    """The output of an engine command, which must succeed."""
    return output_of("docker", *words, env=BUILDKIT).strip()


def inspected(name, field):
    return docker("inspect", "--format", f"{{{{{field}}}}}", name)


def megabytes(image):
    return int(inspected(image, ".Size")) // 1_000_000


def exists(image):
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def base(name):
    """A base image, as named in the Dockerfile."""
    return re.search(rf"^ARG {name}_IMAGE=(\S+)$", DOCKERFILE, re.M)[1]


def imported(image, *changes):
    """The engine, creating an image from the tar archive that is written to its input."""
    words = [word for change in changes for word in ("--change", change)]
    return subprocess.Popen(["docker", "import", *words, "-", image], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def quick_settings():
    """Cargo settings for a program whose speed is not tested: no optimisation, even where Cargo.toml sets it."""
    packages = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["dev"]["package"]
    profiles = [f"[profile.dev.package.{json.dumps(name)}]\nopt-level = 0\n" for name in packages if name != "*"]
    return "[profile.dev]\ndebug = false\nincremental = false\n" + "".join(profiles)


def stand_in_build(debian, folder):
    """Debian's C compiler, this machine's Rust, and the crates that cargo has downloaded, without intermediate copies.

    Cargo's folder comes without credentials, settings and unpacked crates: each build unpacks the crates it needs.
    """
    rust, cargo = Path(output_of("rustc", "--print", "sysroot").strip()), Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    settings, version = quick_settings(), output_of("rustc", "--version").split()[1]
    made_of = hashlib.sha256((settings + (ROOT / "Cargo.lock").read_text()).encode()).hexdigest()[:12]
    image = f"fleet-stand-in-build:{version}-{made_of}"
    if not exists(image):
        # Images of other versions take a gigabyte each.
        if former := set(docker("image", "ls", "--quiet", "fleet-stand-in-build").split()):
            subprocess.run(["docker", "image", "rm", "--force", *former], capture_output=True, check=False)
        (folder / "cargo").mkdir()
        (folder / "cargo/config.toml").write_text(settings)
        parts = ["--directory", debian, "."]
        parts += ["--directory", rust.parent, *(f"{rust.name}/{name}" for name in ("bin/cargo", "bin/rustc", "lib"))]
        parts += ["--directory", cargo, "registry/cache", "registry/index", "--directory", folder, "cargo/config.toml"]
        names = [f"s,^{rust.name}/,opt/rust/,S", "s,^registry/,opt/cargo/registry/,S", "s,^cargo/config,opt/cargo/config,S"]
        environment = ["PATH=/opt/rust/bin:/usr/local/bin:/usr/bin:/bin", "CARGO_HOME=/opt/cargo", "CARGO_NET_OFFLINE=true"]
        engine = imported(image, *(f"ENV {variable}" for variable in environment))
        command = ["tar", "--create", "--exclude=./usr/share/doc", "--exclude=./usr/share/locale", "--exclude=./var/cache"]
        subprocess.run([*command, *(f"--transform={name}" for name in names), *parts], stdout=engine.stdin, check=True)
        engine.stdin.close()
        assert engine.wait() == 0, f"docker import {image}"
    return image


def stand_in_runtime(debian):
    """Like distroless: the C library, certificates, and no shell."""
    image, engine = "fleet-stand-in-runtime:latest", None
    engine = imported(image)
    with tarfile.open(fileobj=engine.stdin, mode="w|") as archive:
        for library in ("libc.so.6", "libm.so.6", "libgcc_s.so.1", LOADER):
            archive.add((Path(debian) / "usr" / LIBRARIES / library).resolve(), f"{LIBRARIES}/{library}")
        loader = tarfile.TarInfo(f"lib64/{LOADER}")
        loader.type, loader.linkname = tarfile.SYMTYPE, f"../{LIBRARIES}/{LOADER}"
        archive.addfile(loader)
        archive.add(Path(debian) / "etc/ssl", "etc/ssl")
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(temporary)
    engine.stdin.close()
    assert engine.wait() == 0, f"docker import {image}"
    return image


def build(folder, say):
    """Builds the image from the Dockerfile."""
    commit, date = output_of("git", "rev-parse", "HEAD", cwd=ROOT).strip(), output_of("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
    given = {"PROFILE": PROFILE, "FLEET_COMMIT": commit, "SOURCE_DATE_EPOCH": date}
    if debian := os.environ.get("FLEET_DEBIAN"):
        # The build must not download anything.
        network, given["BUILD_IMAGE"], given["RUNTIME_IMAGE"] = "none", stand_in_build(debian, folder), stand_in_runtime(debian)
    else:
        # An engine that .ci/engine.sh has started has no network for its containers.
        network, given["BUILD_IMAGE"], given["RUNTIME_IMAGE"] = "host", base("BUILD"), base("RUNTIME")
    arguments = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    docker("build", "--quiet", "--tag", IMAGE, "--network", network, *arguments, str(ROOT))
    runtime = given["RUNTIME_IMAGE"]
    say(f"built on {given['BUILD_IMAGE']}: {megabytes(IMAGE)} MB, of which {megabytes(runtime)} MB are {runtime} (profile {PROFILE})")
    return commit
