"""The file client as the course teaches it: whole sends as commands, silences as borders. See protocol/file_unframed.h.

python3 course_file_client.py HOST PORT; then on standard input: list, get NAME, put NAME, quit.
"""
import sys
import time
from socket import socket


class FileClient:
    def __init__(self, sockfd):
        self.sockfd = sockfd

    def do_list(self):
        self.sockfd.send(b'L')
        data = self.sockfd.recv(128).decode()
        if data == 'OK':
            data = self.sockfd.recv(4096).decode()
            for file in data.split('#'):
                if file:
                    print(file)
        else:
            print('refused:', data)

    def do_get(self, filename):
        self.sockfd.send(('G ' + filename).encode())
        data = self.sockfd.recv(128).decode()
        if data == 'OK':
            with open(filename, 'wb') as fd:
                while True:
                    data = self.sockfd.recv(1024)
                    if data == b'##':
                        break
                    fd.write(data)
            print('got', filename)
        else:
            print('refused:', data)

    def do_put(self, filename):
        try:
            fd = open(filename, 'rb')
        except OSError:
            print('there is no', filename)
            return
        self.sockfd.send(('P ' + filename.split('/')[-1]).encode())
        data = self.sockfd.recv(128).decode()
        if data == 'OK':
            time.sleep(0.1)
            while True:
                data = fd.read(1024)
                if not data:
                    time.sleep(0.1)
                    self.sockfd.send(b'##')
                    break
                self.sockfd.send(data)
            print('put', filename)
        else:
            print('refused:', data)
        fd.close()

    def do_quit(self):
        self.sockfd.send(b'Q')
        self.sockfd.close()
        sys.exit('bye')


def main():
    sockfd = socket()
    sockfd.connect((sys.argv[1], int(sys.argv[2])))
    client = FileClient(sockfd)
    while True:
        command = sys.stdin.readline().strip()
        if command == 'list':
            client.do_list()
        elif command[:3] == 'get':
            client.do_get(command.split(' ')[-1])
        elif command[:3] == 'put':
            client.do_put(command.split(' ')[-1])
        elif command == 'quit' or not command:
            client.do_quit()
        else:
            print('say list, get NAME, put NAME or quit')


if __name__ == '__main__':
    main()
