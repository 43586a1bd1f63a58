"""The demo's house as an outsider reaches it: started as a program, switched over its stage, asked over HTTP."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
import uuid

START_S = 60
STOP_S = 20
# A door over HTTPS has a certificate by a CA of its test's own.
ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


class House:
    """A running demo: every server real, each on its own port."""

    def __init__(self, process, stage):
        self.process = process
        self.stage = stage
        self.view = request("GET", f"{stage}/api/house")

    @classmethod
    def start(cls, program, seed, printers):
        """Starts the demo on a free port and waits until both theatres are live."""
        port = free_port()
        command = [program, "--port", str(port), "--seed", str(seed)]
        for printer in printers:
            command += ["--printer", printer]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            stage = f"http://127.0.0.1:{port}"
            until("the stage answers", lambda: answers(f"{stage}/api/house", process), START_S)
            house = cls(process, stage)
            until("both theatres are live", house.all_live, START_S)
            return house
        except BaseException:
            end(process)
            raise

    @classmethod
    def at(cls, stage):
        """A demo that somebody else started."""
        return cls(None, stage)

    def stop(self):
        """Ends the demo as Ctrl-C does; an end that is not clean is an error."""
        if self.process is not None:
            code = end(self.process)
            assert code == 0, f"the demo ended with {code}"

    @property
    def customer(self):
        return self.view["customer"]

    @property
    def theatre(self):
        """The first theatre, where everything is played."""
        return self.view["theatres"][0]

    def door(self, number):
        return self.theatre["doors"][number]["url"]

    def staff(self, name):
        return next(one for one in self.view["staff"] if one["name"] == name)

    def cut(self):
        """Cuts the first theatre's line and waits until both sides have noticed."""
        request("POST", f"{self.stage}/api/theatres/1/cut", {"mode": "clean"})
        until("both sides have noticed the cut", lambda: set(self.links()) == {"locked_down"}, 30)

    def heal(self):
        """Opens all lines and waits until the first theatre is live again."""
        request("POST", f"{self.stage}/api/heal")
        until("the line is live again", lambda: set(self.links()) == {"live"}, 30)

    def links(self):
        """How the first theatre's line is, as the edge and as central see it."""
        edge = request("GET", f"{self.theatre['counter']}/v1/status")["link"]["state"]
        central = request("GET", f"{self.customer}/v1/theatres/{self.theatre['id']}/link")["state"]
        return edge, central

    @property
    def theatre_is_cut(self):
        return request("GET", f"{self.stage}/api/house")["theatres"][0]["cut"] is not None

    def all_live(self):
        self.view = request("GET", f"{self.stage}/api/house")
        return all(theatre["link"] == "live" for theatre in self.view["theatres"])

    def show(self):
        """The first theatre's next show that is on sale."""
        return self.shows()[0]

    def shows(self):
        """The first theatre's shows that are on sale, the next one first."""
        shows = request("GET", f"{self.customer}/v1/shows?theatre={self.theatre['id']}")["shows"]
        return sorted((show for show in shows if show["state"] == "on_sale"), key=lambda show: show["starts_at"])

    def show_of_the_web(self, seats=20):
        """The next one of them of which the web has so many seats of its own: the box gives none up below the counter's share."""

        def own(show):
            rows = request("GET", f"{self.customer}/v1/shows/{show['id']}/seats")["rows"]
            return sum(seat["state"] == "free" and not seat.get("by_claim") for row in rows for seat in row["seats"])

        return next(show for show in self.shows() if own(show) >= seats)

    def booking(self, booking):
        return request("GET", f"{self.customer}/v1/bookings/{booking}")

    def approve(self, pay_url):
        """Pays as the button on the simulator's page does."""
        urllib.request.urlopen(urllib.request.Request(f"{pay_url}/approve", data=b"", method="POST"), timeout=15).close()

    def wait_until_booked(self, booking):
        until("the booking has its tickets", lambda: self.booking(booking)["state"] == "booked", 20)

    def wait_until_settled(self):
        """With all lines open, everything is equal and accounted for after a while."""
        until("the truth panel holds", lambda: self.truth()["holds"], 30)

    def ticket_codes(self, booking):
        """The signed texts of a booking, by seat."""
        tickets = request("GET", f"{self.customer}/v1/bookings/{booking}/tickets")["tickets"]
        return {ticket["seat"]: ticket["code"] for ticket in tickets}

    def add_scanner(self, name):
        """Its number and its pairing address, as a manager gets them."""
        device = self.as_manager("/v1/devices", {"name": name, "kind": "scanner"})
        return device["device"], device["pair_url"]

    def declare_off(self, device):
        """Nothing waits for that scanner any more."""
        self.as_manager(f"/v1/devices/{device}", {"off": True})

    def token(self, name):
        """A login at the first theatre's counter."""
        login = {"staff": name, "pin": self.staff(name)["pin"]}
        return request("POST", f"{self.theatre['counter']}/v1/session", login)["token"]

    def as_manager(self, path, body):
        return request("POST", f"{self.theatre['counter']}{path}", body, self.token("manager"))

    def shift_of(self, name):
        """The open shift of somebody."""
        shifts = request("GET", f"{self.theatre['counter']}/v1/shifts", token=self.token(name))["shifts"]
        return next(shift for shift in shifts if shift["staff"] == name)

    def close_shift(self, name):
        """Ends the open shift of somebody, if there is one."""
        counter = self.theatre["counter"]
        token = request("POST", f"{counter}/v1/session", {"staff": name, "pin": self.staff(name)["pin"]})["token"]
        for shift in request("GET", f"{counter}/v1/shifts", token=token)["shifts"]:
            if shift["staff"] == name:
                request("POST", f"{counter}/v1/shifts/{shift['shift']}/close", {"counted": []}, token)

    def truth(self):
        return request("GET", f"{self.stage}/api/truth")


def request(method, url, body=None, token=None):
    """Asks and reads JSON, nothing where there is none."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(asked, timeout=15, context=ANY_CERTIFICATE) as answer:
        return json.loads(answer.read() or "null")


def until(what, holds, seconds):
    """Waits until something holds; what it is stands in the error."""
    end_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end_at, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def answers(url, process):
    assert process.poll() is None, f"the demo ended with {process.returncode} instead of starting"
    try:
        request("GET", url)
        return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "a kill: it did not stop by itself"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def from_environment(printers):
    """The house the tests play in: `USHER_STAGE` names a running one, else `USHER_DEMO` is started with those printers."""
    stage = os.environ.get("USHER_STAGE")
    return House.at(stage) if stage else House.start(os.environ["USHER_DEMO"], seed=7, printers=printers)
