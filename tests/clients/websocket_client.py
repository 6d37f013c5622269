"""Debian's python3-websockets in the chat room: python3 websocket_client.py HOST PORT [alone]. Prints 'done' where all is well.

'alone': one connection at a time, for servers that serve one client after the other.
"""
import asyncio
import sys

import websockets

PATIENCE = 60


def check(is_so, what):
    if not is_so:
        sys.exit(f'failed: {what}')


async def hear(socket):
    return await asyncio.wait_for(socket.recv(), PATIENCE)


def connect(uri, **options):
    return websockets.connect(uri, open_timeout=PATIENCE, close_timeout=PATIENCE, **options)


async def end_of(socket):
    """Waits for the server to close; returns its code."""
    await asyncio.wait_for(socket.wait_closed(), PATIENCE)
    return socket.close_code


async def talk_alone(uri):
    async with connect(uri) as ada:
        await ada.send('L ada')
        check(await hear(ada) == 'OK', 'joining')
        await (await ada.ping('are you there?'))
        await ada.send(['C a', 'da in pieces', ' 你好'])
        await ada.send('C bob hello')
        check(await hear(ada) == "ERR 403 the name is not yours: you are 'ada'", 'speaking for another')
        await ada.send('C ada ' + 'x' * 1100)
        check(await hear(ada) == 'ERR 413 a line has at most 1024 bytes', 'a line that is too long')
        await ada.send('E ada')
        check(await hear(ada) == 'EXIT', 'leaving')
        check(await end_of(ada) == 1000, 'code of the end')
    async with connect(uri) as ada:
        await ada.send('x' * 100000)
        check(await end_of(ada) == 1009, 'code of a message that is too long')
    async with connect(uri) as ada:
        await ada.send(b'L ada')
        check(await end_of(ada) == 1003, 'code of a binary message')
    try:
        async with connect(uri, origin='http://elsewhere.example'):
            check(False, 'a page of another origin')
    except websockets.InvalidStatusCode as error:
        check(error.status_code == 403, 'code for a page of another origin')


async def talk_together(uri, origin):
    async with connect(uri) as ada, connect(uri, origin=origin) as bob:
        await ada.send('L ada')
        check(await hear(ada) == 'OK', 'joining')
        await bob.send('L ada')
        check(await hear(bob) == 'ERR 409 the name is taken', 'a name that is taken')
        await bob.send('L bob')
        check(await hear(bob) == 'OK', 'joining, second')
        check(await hear(ada) == "欢迎 'bob' 进入聊天室", 'news of an arrival')
        for i in range(100):
            await bob.send(f'C bob {i} 你好')
        for i in range(100):
            check(await hear(ada) == f'bob : {i} 你好', f'message {i}')
        await bob.close(4000, 'enough')
        check(bob.close_code == 4000, 'code of the own close')
        check(await hear(ada) == "'bob' 退出聊天室", 'news of a departure')


async def main():
    host = f'{sys.argv[1]}:{sys.argv[2]}'
    uri = f'ws://{host}/-/chat'
    await talk_alone(uri)
    if sys.argv[3:] != ['alone']:
        await talk_together(uri, f'http://{host}')
    print('done')


if __name__ == '__main__':
    asyncio.run(main())
