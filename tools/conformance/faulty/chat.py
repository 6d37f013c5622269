"""A tiny chat room over TCP, and its faults."""

import threading

from . import base

SERVICE = "chat"
_ADMINISTRATOR, _MOST_LINE = "管理员", 1024
FAULTS = {
    "keeps_names": ("never frees a name", "join_and_leave"),
    "silent_refusals": ("does not answer what it does not understand", "wrong_commands_are_refused"),
    "any_name": ("lets any member be the administrator", "names_that_cannot_be_are_refused"),
    "long_line_closes": ("closes after a line that is too long", "overlong_line_is_discarded"),
    "one_read": ("takes what one read returns for whole lines", "commands_in_two_pieces"),
    "obeys_browsers": ("skips lines that it does not understand", "browser_cannot_join"),
    "same_names": ("lets two members have one name", "taken_name_is_refused"),
    "echoes_to_speaker": ("sends what one says to the speaker, too", "all_others_hear_what_one_says"),
    "one_word": ("ends a message at its first blank", "all_others_hear_what_one_says"),
    "mixed_order": ("sends a message to each member in a thread of its own", "all_hear_the_same_order"),
    "silent_departures": ("does not notice who vanishes", "who_vanishes_has_left"),
    "in_order_of_opening": ("serves a client when those before it have joined", "clients_in_reverse_order"),
}


class Server(base.TcpServer):
    def __init__(self, *arguments, **more):
        self._members = {}  # Name -> socket.
        self._lock = threading.RLock()  # One member joins, speaks or leaves at a time, and all the others hear of it.
        self._turn = threading.Lock()
        super().__init__(*arguments, **more)

    def handle(self, client):
        reader = base.Reader(client)
        if self.fault == "one_read":
            reader.fill = lambda: self._one_read(client, reader)
        if self.fault == "in_order_of_opening":
            with self._turn:
                reader.fill()
        name = None
        try:
            while (line := self._line(client, reader)) is not None:
                name, goes_on = self._on_line(client, name, line)
                if not goes_on:
                    return
        finally:
            if name and self.fault != "silent_departures":
                self._leave(name)

    @staticmethod
    def _one_read(client, reader):
        reader.received = client.recv(65536)
        return bool(reader.received)

    def _line(self, client, reader):
        """The next line that is not too long; None at the end."""
        line = reader.line(1 << 30)
        while line is not None and len(line) > _MOST_LINE:
            client.sendall(b"ERR 413 the line is too long\n")
            if self.fault == "long_line_closes":
                return None
            line = reader.line(1 << 30)
        return line

    def _on_line(self, client, name, line):
        """(the name from now on, whether the conversation goes on)."""
        if b" HTTP/1." in line and self.fault != "obeys_browsers":
            client.sendall(b"ERR 400 this is no server of HTTP\n")
            return name, False
        try:
            command, _, rest = line.decode().partition(" ")
        except UnicodeDecodeError:
            client.sendall(b"ERR 400 that is no UTF-8\n")
            return name, True
        if command == "E" and name and rest == name:
            client.sendall(b"EXIT\n")
            return name, False
        if command == "L":
            with self._lock:
                refusal = self._refusal(rest) if name is None else "409 you have joined"
                if not refusal:
                    self._join(client, rest)
                    return rest, True
        else:
            refusal = self._say(name, command, rest)
        if refusal and self.fault != "silent_refusals":
            client.sendall(f"ERR {refusal}\n".encode())
        return name, True

    def _refusal(self, name):
        """Why the name cannot be had; empty if it is free."""
        if not name or not name.isprintable() or " " in name:
            return "400 that is no name"
        if _ADMINISTRATOR in name and self.fault != "any_name":
            return "403 that is the administrator"
        return "409 the name is taken" if name in self._members and self.fault != "same_names" else ""

    def _say(self, name, command, rest):
        """Why not; empty if it was said."""
        own, _, text = rest.partition(" ")
        if command not in ("C", "E") or not own:
            return "400 expected: L <name>, C <name> <text>, or E <name>"
        if name is None:
            return "403 join first"
        if own != name or command == "E":
            return f"403 you are '{name}'"
        self._tell(name, f"{name} : {text.partition(' ')[0] if self.fault == 'one_word' else text}")
        return ""

    def _tell(self, name, line):
        """To all but this one."""
        with self._lock:
            for number, (other, client) in enumerate(list(self._members.items())):
                if other == name and not (self.fault == "echoes_to_speaker" and " : " in line):
                    continue
                if self.fault == "mixed_order":
                    late = 0.02 if (number + len(line)) % 2 else 0.0
                    threading.Timer(late, self._send_quietly, (client, line)).start()
                else:
                    self._send_quietly(client, line)

    @staticmethod
    def _send_quietly(client, line):
        try:
            client.sendall(f"{line}\n".encode())
        except OSError:
            pass  # It leaves in its own thread.

    def _join(self, client, name):
        client.sendall(b"OK\n")
        self._members[name] = client
        self._tell(name, f"欢迎 '{name}' 进入聊天室")

    def _leave(self, name):
        with self._lock:
            if self.fault != "keeps_names":
                self._members.pop(name, None)
            self._tell(name, f"'{name}' 退出聊天室")
