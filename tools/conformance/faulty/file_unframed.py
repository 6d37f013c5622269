"""The course's file server, one thread for each client, and its faults."""

import time

from . import base, library

SERVICE = "file-unframed"
FAULTS = {
    "glues_list": ("sends OK and the list without a pause", "list_comes_behind_ok_and_a_pause"),
    "lists_hidden": ("lists hidden files", "list_names_visible_files_alone"),
    "glues_ok": ("sends OK and the file without a pause", "file_comes_between_ok_and_its_mark"),
    "glues_mark": ("sends the file and ## without a pause", "file_comes_between_ok_and_its_mark"),
    "no_mark_behind_whole_blocks": ("ends a file with a short block, and has none behind a whole one", "file_of_whole_blocks"),
    "text_up_to_the_mark": ("ends a file at the first ## in it", "marks_in_a_file_do_not_end_it"),
    base.SHORT_WRITE: (base.COMMON[base.SHORT_WRITE], "long_file_is_whole"),
    "ok_for_missing": ("answers OK before it looks for the file", "missing_file_is_refused_with_a_text"),
    "dot_dot": ("joins names to the root unchecked, as the course's example does", "names_do_not_lead_out"),
    "stores_mark": ("stores the ## that ends an upload", "put_stores_the_file"),
    "ends_at_any_mark": ("ends an upload at the first ## in it", "marks_within_a_chunk_do_not_end_an_upload"),
    "stays_after_quit": ("keeps the connection after Q", "quit_closes"),
    base.DIES_WITH_CLIENT: (base.COMMON[base.DIES_WITH_CLIENT], "client_that_breaks_off_harms_no_other"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order"),
}
_PAUSE_S = 0.1


class Server(base.TcpServer):
    def handle(self, client):
        while command := client.recv(1024).decode("utf-8", "replace"):
            if command == "L":
                self._list(client)
            elif command.startswith("G "):
                self._get(client, command[2:])
            elif command.startswith("P "):
                self._put(client, command[2:])
            elif command == "Q" and self.fault != "stays_after_quit":
                return

    def _list(self, client):
        names = "".join(f"{name}#" for name, _ in library.listing(self.root, self.fault == "lists_hidden"))
        if self.fault == "glues_list":
            client.sendall(b"OK" + names.encode())
            return
        client.sendall(b"OK")
        time.sleep(_PAUSE_S)
        client.sendall(names.encode())

    def _get(self, client, name):
        try:
            content = library.read(self.root, name, self.fault != "dot_dot")
        except library.Refused as why:
            client.sendall(b"OK" if self.fault == "ok_for_missing" else str(why).encode())
            return
        if self.fault == "text_up_to_the_mark":
            content = content.partition(b"##")[0]
        if self.fault == "glues_mark":
            content += b"##"
        if self.fault == "glues_ok":
            client.sendall(b"OK" + content)
        else:
            client.sendall(b"OK")
            time.sleep(_PAUSE_S)
            self.send(client, content)
        if self.fault == "no_mark_behind_whole_blocks" and len(content) % 1024 == 0:
            return
        if self.fault == "glues_mark":
            return
        time.sleep(_PAUSE_S)
        client.sendall(b"##")

    def _put(self, client, name):
        client.sendall(b"OK")
        content = b""
        while chunk := client.recv(1024):
            if chunk == b"##":
                break
            content += chunk
            if self.fault == "ends_at_any_mark" and b"##" in chunk:
                content = content.partition(b"##")[0]
                break
        library.write(self.root, name, content + (b"##" if self.fault == "stores_mark" else b""))
