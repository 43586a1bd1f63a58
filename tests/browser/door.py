"""A door of its own: the scanner as a program, paired as a manager does it, its box behind a line that can be cut."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlparse

from playwright.sync_api import expect

from house import answers, free_port, request, until

START_S = 30


def lock(page, pin="2468"):
    """Locks the settings of a door's page."""
    page.get_by_role("button", name="Lock").click()
    page.locator("#lock").get_by_label("PIN").fill(pin)
    page.locator("#lock").get_by_role("button", name="Lock").click()
    expect(page.locator("#lock-key")).to_have_text("Unlock")


class Line:
    """Forwards TCP connections to an address until it is cut."""

    def __init__(self, address):
        self.address = address
        self.is_cut = False
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                near.close()
                continue
            far = socket.create_connection(self.address)
            self.open |= {near, far}
            for source, sink in [(near, far), (far, near)]:
                threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    def forward(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            self.open.discard(one)
            one.close()

    def cut(self):
        self.is_cut = True
        for one in list(self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def heal(self):
        self.is_cut = False

    def close(self):
        self.cut()
        self.listener.close()


class Door:
    """`usher-scanner serve`, paired with the first theatre's box."""

    def __init__(self, house, name):
        self.program = Path(os.environ["USHER_DEMO"]).with_name("usher-scanner")
        self.data = tempfile.mkdtemp(prefix="door-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        box = urlparse(house.theatre["counter"])
        self.line = Line((box.hostname, box.port))
        self.house = house
        self.device, pair_url = house.add_scanner(name)
        subprocess.run([self.program, "pair", pair_url, "--data", self.data], check=True, stdout=subprocess.DEVNULL)

    def start(self, *flags):
        command = [self.program, "serve", f"--listen=127.0.0.1:{self.port}", f"--data={self.data}", "--log=error"]
        # The shows of the demo are hours away.
        command += [f"--edge=http://127.0.0.1:{self.line.port}", "--early-min=100000", *flags]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until("the door answers", lambda: answers(f"{self.url}/livez", self.process), START_S)

    def until_in_touch(self):
        until("the door is in touch", lambda: self.status()["guarantee"] == "SHARED", START_S)

    def status(self):
        return request("GET", f"{self.url}/v1/status")

    def kill(self):
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.line.close()
        self.house.declare_off(self.device)
        shutil.rmtree(self.data)
