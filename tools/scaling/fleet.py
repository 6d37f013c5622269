"""Fleet: three servers over one root, in one room, and perhaps a balancer before them."""

import os

from comparison import programs

from . import stand
from .programs import Balancer, Polyserve, Redis, await_true

_DEPLOY = os.path.join(programs.REPOSITORY, "deploy")


class Fleet:
    """On the hosts of the stand, which ends it.

    balancer  "haproxy", "nginx", or "" for none
    has_room  Redis joins the servers' rooms; otherwise each has its own
    models    by the name of the host
    flags     more of all servers
    """

    def __init__(self, place, scene, balancer="", has_room=False, flags=()):
        self.root = os.path.join(scene.folder, "root")
        os.makedirs(self.root, exist_ok=True)
        own = [f"--root={self.root}", *flags]
        self.redis = Redis(place.hosts["store"], scene.folder) if has_room else None
        if self.redis:
            self.redis.start()
            own.append(f"--room={self.redis.url}")
        if balancer:
            own.append(f"--proxy_protocol_from={stand.BALANCER}")
        self.servers = {name: Polyserve(host, scene.folder, scene.server, [*scene.models[name], *own])
                        for name, host in place.servers.items()}
        for server in self.servers.values():
            server.start()
        self.balancer = Balancer(balancer, place.hosts["balancer"], scene.folder, _DEPLOY) if balancer else None
        if self.balancer:
            self.balancer.start()

    def await_share(self, names):
        """Returns when each of these servers has answered a client since now, which takes clients that ask all the time."""
        before = {name: self.servers[name].requests() for name in names}
        await_true(lambda: all(self.servers[name].requests() > count for name, count in before.items()),
                   f"clients at {', '.join(names)}")
