"""All servers are replaced in turn, and no client notices: no upload fails.

  drain_in_turn    SIGTERM with --stop_notice: the balancer asks /-/ready, and turns to the others before the server stops. For one that
                   asks (HAProxy).
  upgrade_in_turn  SIGUSR2: a new server takes over the sockets, so there is nothing to notice. For any balancer (nginx does not ask).
"""

import time

from ..fleet import Fleet
from ..stand import BALANCER, Stand
from ..uploads import Uploads
from .account import report_uploads

_NOTICE = "5s"  # As deploy/README.md has it: longer than two checks of HAProxy.


def drain_in_turn(scene, balancer):
    def restart(server):
        server.terminate()
        server.start()
    _in_turn(scene, balancer, "is restarted", restart, [f"--stop_notice={_NOTICE}"])


def upgrade_in_turn(scene, balancer):
    _in_turn(scene, balancer, "is upgraded", lambda server: server.upgrade(), [])


def _in_turn(scene, balancer, what, replace, flags):
    uploaders, share = (4, 60) if scene.is_quick else (16, 1000)
    with Stand() as place:
        fleet = Fleet(place, scene, balancer, flags=flags)
        with Uploads((BALANCER, 80), uploaders) as uploads:
            fleet.await_share(fleet.servers)
            slowest = 0.0
            for name, server in fleet.servers.items():
                uploads.await_more(share)
                scene.tell(f"the server on {name} {what}")
                begun = time.monotonic()
                replace(server)
                slowest = max(slowest, time.monotonic() - begun)
                # The next one stops only when this one is back, or nobody would serve.
                fleet.await_share([name])
            uploads.await_more(share)
        report_uploads(scene.result, uploads.account, fleet, may_fail=False)
        scene.result.add("longest replacement of a server", slowest, "s")
