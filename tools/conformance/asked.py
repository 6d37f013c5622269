"""AskedServer: the server that a server of relay asks, which is the tool itself. The line that it gets says what it does:

    say TEXT       answers TEXT
    after MS TEXT  the same, so many milliseconds later
    half TEXT      sends TEXT without a line end, and closes
    end            closes without an answer
    garble         answers with a character that controls a terminal
    flood          sends bytes without a line end
"""

from .faulty import base


class AskedServer(base.TcpServer):
    def handle(self, client):
        line = base.Reader(client).line(1 << 16)
        verb, _, text = (line or b"end").partition(b" ")
        if verb == b"after":
            milliseconds, _, text = text.partition(b" ")
            self.stopped.wait(int(milliseconds) / 1000)
        answers = {b"say": text + b"\n", b"after": text + b"\n", b"half": text, b"garble": b"\x1b[2J\n", b"flood": b"x" * 100_000}
        client.sendall(answers.get(verb, b""))
