"""The link of a host is slow for a while: nothing fails, and only what goes there takes longer."""

import time

from ..fleet import Fleet
from ..stand import BALANCER, Stand
from ..uploads import Uploads
from .account import report_uploads

_VICTIM = "b"
_ROUND_TRIP_S = 0.1


def play(scene, balancer):
    uploaders, share = (4, 60) if scene.is_quick else (16, 500)
    with Stand(can_delay=(_VICTIM,)) as place:
        fleet = Fleet(place, scene, balancer)
        with Uploads((BALANCER, 80), uploaders) as uploads:
            fleet.await_share(fleet.servers)
            begun = time.monotonic()
            uploads.await_more(share)
            scene.tell(f"the link of host {_VICTIM} has a round trip of {1000 * _ROUND_TRIP_S:g} ms")
            place.hosts[_VICTIM].link.delay(_ROUND_TRIP_S)
            slow = time.monotonic()
            uploads.await_more(share)
            fast = time.monotonic()
            place.hosts[_VICTIM].link.delay(0)
            uploads.await_more(share)
        report_uploads(scene.result, uploads.account, fleet, may_fail=False)
        for name, share_of_all in (("half", 0.5), ("nine tenths", 0.9)):
            for when, span in (("before", (begun, slow)), ("meanwhile", (slow, fast))):
                scene.result.add(f"{name} of the uploads within, {when}", 1000 * uploads.account.quantile_s(share_of_all, *span), "ms")
