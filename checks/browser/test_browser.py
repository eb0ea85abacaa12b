"""The server's pages in a real browser, used as people do: they add, find, change and remove, with the mouse and with
the keyboard alone, on screens of 1280, 390 and 320 pixels, light and dark; axe-core finds no violation.

The sessions are in sessions/, driven by playwright-core: its Python package is 130 MB and contains another Node.js, and
axe-core comes from npm in any case. Needs Debian's Chromium, curl, node, the npm packages in NODE_PATH, and
fleet-server as built by .ci/browser. A picture of each state is written to FLEET_SCREENSHOTS.
"""

import json
import os
import re
import subprocess
import threading
from pathlib import Path

import pytest
from programs import Programs, Server

# Each session's server.
SESSIONS = {"empty": "empty", "production": "production", "reading": "reading"}
SESSIONS |= dict.fromkeys(("still", "works", "finds", "looksFurther", "remembers", "fits", "quiet", "keyboard", "docs", "foreign"), "demo")
if os.environ.get("FLEET_README_PICTURES"):
    SESSIONS = {"readme": "empty"}
SETTINGS = {"production": {"SCALING_MODE": "production"}, "reading": {"FLEET_PAGES": "read"}}


class Browser:
    def __init__(self, folder):
        self.log = (folder / "browser.log").open("w+")
        command = ["node", Path(__file__).parent / "browser.cjs"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def problem(self, session, base):
        """What goes wrong in a session, or None."""
        self.process.stdin.write(json.dumps({"name": session, "base": base}) + "\n")
        self.process.stdin.flush()
        watch = threading.Timer(120, self.process.kill)
        watch.start()
        answer = self.process.stdout.readline()
        watch.cancel()
        if not answer:
            self.log.seek(0)
            return f"the browser ended: {self.log.read()}"
        return json.loads(answer)["error"]

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    try:
        yield browser
    finally:
        browser.end()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server by its name, started at its first use."""
    programs, servers = Programs(tmp_path_factory.mktemp("servers")), {}

    def named(name):
        if name not in servers:
            servers[name] = Server(programs, name, **SETTINGS.get(name, {}))
        return servers[name]

    try:
        yield named
    finally:
        programs.end()


@pytest.mark.parametrize("session", SESSIONS)
def test_people_can(session, browser, server):
    used = server(SESSIONS[session])
    problem = browser.problem(session, used.url)
    assert problem is None, f"{problem}\npictures are in {os.environ['FLEET_SCREENSHOTS']}"
    # An open page sends a request every second: no log line about that is for the user.
    assert not re.search(r" (200|304) .*(_ui|/docs)", used.program.text()), "the log at info has requests of the page"
