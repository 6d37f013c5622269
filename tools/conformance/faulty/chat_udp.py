"""The course's chat room by datagrams, and its faults."""

from . import base

SERVICE = "chat-udp"
_ADMINISTRATOR = "管理员"
FAULTS = {
    "keeps_names": ("never frees a name", "join_and_leave"),
    "same_names": ("lets two members have one name", "taken_name_is_refused"),
    "any_name": ("lets any member be the administrator", "name_of_the_administrator_is_refused"),
    "greets_newcomer": ("sends the notice of an arrival to the newcomer, too", "others_hear_who_comes"),
    "tells_one": ("tells one other member what is said", "all_others_hear_what_one_says"),
    "one_word": ("ends a message at its second blank", "all_others_hear_what_one_says"),
    "echoes_to_speaker": ("sends what one says to the speaker, too", "speaker_does_not_hear_itself"),
    "swaps": ("keeps a message until the next one has come, and sends that first", "messages_of_one_come_in_order"),
    "tells_who_has_gone": ("goes on sending to the one who went", "others_hear_who_goes"),
    "short_buffer": ("receives 512 bytes of a datagram", "long_message_is_whole"),
    "dies_of_rubbish": ("ends at a datagram that is no text", "rubbish_harms_no_client"),
    "any_address": ("believes a name, wherever it comes from", "name_belongs_to_its_address"),
}


class Server(base.UdpServer):
    def __init__(self, *arguments, **more):
        self._members = {}  # Name -> address.
        self._gone = []  # Addresses that are told all the same.
        self._kept = None
        super().__init__(*arguments, **more)

    def handle(self, datagram, sender):
        if self.fault == "short_buffer":
            datagram = datagram[:512]
        try:
            command, _, rest = datagram.decode().partition(" ")
        except UnicodeDecodeError:
            self.closed = self.fault == "dies_of_rubbish"
            return
        name, _, text = rest.partition(" ")
        if command == "L":
            self._join(rest, sender)
        elif self._members.get(name) == sender or (name in self._members and self.fault == "any_address"):
            if command == "C":
                self._say(name, text)
            elif command == "E":
                self._leave(name)

    def _send(self, text, address):
        self.socket.sendto(text.encode(), address)

    def _tell(self, name, text):
        others = [address for other, address in self._members.items() if other != name]
        for address in others[:1] if self.fault == "tells_one" else others + self._gone:
            self._send(text, address)

    def _join(self, name, sender):
        if not name or (_ADMINISTRATOR in name and self.fault != "any_name"):
            self._send("that name cannot be had", sender)
        elif name in self._members and self.fault != "same_names":
            self._send("the name is taken", sender)
        else:
            self._send("OK", sender)
            self._members[name] = sender
            self._tell("" if self.fault == "greets_newcomer" else name, f"\n欢迎 '{name}' 进入聊天室")

    def _say(self, name, text):
        if self.fault == "one_word":
            text = text.partition(" ")[0]
        message = f"\n{name} : {text}"
        if self.fault == "swaps" and "message" in text:
            self._kept, message = message, self._kept
        if message:
            self._tell("" if self.fault == "echoes_to_speaker" else name, message)

    def _leave(self, name):
        self._send("EXIT", self._members[name])
        if self.fault == "tells_who_has_gone":
            self._gone.append(self._members[name])
        self._tell(name, f"\n'{name}' 退出聊天室")
        if self.fault != "keeps_names":
            del self._members[name]
