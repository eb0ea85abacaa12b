"""A MariaDB of its own for a check, set up as deploy_scripts/database.yaml sets up Aurora. Needs mariadbd and mariadb."""

import getpass
import os
import re

from conftest import ROOT
from programs import free_port, output_of

DATABASE = "ec2_inventory_db"


def options_of_the_shell():
    """What .ci/lib.sh starts its databases with, so that it stands at one place."""
    (found,) = re.findall(r"^ +(--bind-address=.*) \"\$@\"$", (ROOT / ".ci/lib.sh").read_text(), re.M)
    return found
