"""The link of a host is cut for some seconds, and nobody is told: what was under way to it gets no answer until the link is back."""

import time

from ..fleet import Fleet
from ..stand import BALANCER, Stand
from ..uploads import Uploads
from .account import report_uploads

_VICTIM = "b"
_CUT_S = 5.0  # Longer than a balancer takes to notice.


def play(scene, balancer):
    uploaders, share = (4, 60) if scene.is_quick else (16, 1000)
    with Stand() as place:
        fleet = Fleet(place, scene, balancer)
        with Uploads((BALANCER, 80), uploaders) as uploads:
            fleet.await_share(fleet.servers)
            uploads.await_more(share)
            scene.tell(f"the link of host {_VICTIM} is cut for {_CUT_S:g} s")
            place.hosts[_VICTIM].link.cut()
            time.sleep(_CUT_S)
            place.hosts[_VICTIM].link.mend()
            fleet.await_share(fleet.servers)
            uploads.await_more(share)
        report_uploads(scene.result, uploads.account, fleet)
        scene.result.add("time without the link", _CUT_S, "s")
