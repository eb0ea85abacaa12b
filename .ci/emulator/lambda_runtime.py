"""Makes ministack run functions more like Lambda.

ministack passes a function's event again after its response, notices a response only after half a second, and waits for
the response of a process that has ended until the function's timeout.
"""

import json
import socketserver
import subprocess
import threading
import types
import urllib.request

from ministack.services import lambda_svc


def handed_out_once(handler):
    """ministack passes an event again to a function that has responded, and may take its second response for the
    first."""

    class Once(handler):
        is_out = False

        def do_GET(self):
            if "/invocation/next" in self.path:
                if Once.is_out:
                    # Nothing more is sent until the function, and with it this connection, is ended.
                    self.rfile.read(1)
                    return
                Once.is_out = True
            super().do_GET()

    return Once


def start_server(server, address, handler, *more, **named_more):
    # There is a server for each invocation, with a separate handler.
    is_runtime_api = handler.__name__ == "RuntimeAPIHandler"
    start_server_of_python(server, address, handed_out_once(handler) if is_runtime_api else handler, *more, **named_more)
    if is_runtime_api:
        # It is stopped as soon as there is a response; this is the interval for checking that.
        server.serve_forever = lambda: socketserver.BaseServer.serve_forever(server, poll_interval=0.01)


class Function(subprocess.Popen):
    """A function's process. One that ends by itself has not responded, which Lambda reports at once."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if runtime := (options.get("env") or {}).get("AWS_LAMBDA_RUNTIME_API"):
            threading.Thread(target=self.report_exit, args=(runtime,), daemon=True).start()

    def report_exit(self, runtime):
        # It is ended by a signal once it has responded.
        if (code := self.wait()) < 0:
            return
        error = {"errorType": "Runtime.ExitError", "errorMessage": f"Runtime exited with error: exit status {code}"}
        try:
            urllib.request.urlopen(f"http://{runtime}/2018-06-01/runtime/init/error", json.dumps(error).encode(), timeout=5)
        except OSError:
            pass  # It answered, and ended before it was told to.


start_server_of_python = socketserver.TCPServer.__init__


def add():
    socketserver.TCPServer.__init__ = start_server
    lambda_svc.subprocess = types.SimpleNamespace(**(vars(subprocess) | {"Popen": Function}))
