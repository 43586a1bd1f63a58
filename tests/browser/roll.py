"""A receipt printer on the network, as a socket: it keeps what it is sent and tells how its paper is."""

import socketserver
import threading

WELL, NO_PAPER = 0x12, 0x72


class Roll:
    """Listens on a free port; `papers` are what came, a connection each."""

    def __init__(self, name="roll", options="drawer"):
        self.name, self.options = name, options
        self.papers = []
        self.state = WELL
        roll = self

        class Line(socketserver.BaseRequestHandler):
            def handle(self):
                paper = b""
                while some := self.request.recv(65536):
                    paper += self.answer(some)
                if paper:
                    roll.papers.append(paper)

            def answer(self, some):
                """Questions for its state come before the paper and after it, perhaps in one piece with it."""
                while some.startswith(b"\x10\x04"):
                    some = some[3:]
                    self.request.sendall(bytes([roll.state]))
                while some[-3:-1] == b"\x10\x04":
                    some = some[:-3]
                    self.request.sendall(bytes([roll.state]))
                return some

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def setting(self):
        return f"{self.name}=tcp://127.0.0.1:{self.server.server_address[1]};{self.options}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
