"""An emulated AWS for deploy_scaling_target.sh, and servers on this machine whose dimensions it scales."""

import pytest
from conftest import ROOT
from emulated import Emulated
from programs import PROGRAMS, free_port

SCRIPT = "deploy_scaling_target.sh"


class Scaling(Emulated):
    def __init__(self, folder):
        super().__init__(folder, "aws.py")
        # The script's `cargo run` starts the existing build. Cargo would build that package separately, with other
        # features, and rebuild all of its dependencies; the step clippy checks that it compiles that way.
        self.stand_in(
            "cargo",
            f"""[ "$1 $2 $3 $4 $5 $6 $7" = "run --quiet --manifest-path {ROOT}/Cargo.toml --package simulate-scaling --" ] || {{
    echo "cargo $*?" >&2; exit 101
}}
shift 7
exec {PROGRAMS}/simulate-scaling "$@\"""",
        )
        self.demo = self.server("demo", "--in-memory", "--aws-listen", f"127.0.0.1:{free_port()}")
        self.ready("demo", f"{self.demo}/v1/health")

    def deployed(self, arguments, **settings):
        return self.done(f"{SCRIPT} {arguments}", **settings)


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    emulated = Scaling(tmp_path_factory.mktemp("scaling"))
    yield emulated
    emulated.end()
