"""A host dies under load: all of its processes at once, as if its power were gone. Later it starts anew, and takes part again.

Each upload that was acknowledged has to be there, since all servers have one root. Those that were under way may fail: nobody has said
that they are stored.
"""

from ..fleet import Fleet
from ..stand import BALANCER, Stand
from ..uploads import Uploads
from .account import report_uploads

_VICTIM = "b"


def play(scene, balancer):
    uploaders, share = (4, 60) if scene.is_quick else (16, 1000)
    with Stand() as place:
        fleet = Fleet(place, scene, balancer)
        with Uploads((BALANCER, 80), uploaders) as uploads:
            fleet.await_share(fleet.servers)
            uploads.await_more(share)
            scene.tell(f"host {_VICTIM} dies")
            fleet.servers[_VICTIM].kill()
            uploads.await_more(share)
            scene.tell(f"host {_VICTIM} starts again")
            fleet.servers[_VICTIM].start()
            fleet.await_share(fleet.servers)
            uploads.await_more(share)
        report_uploads(scene.result, uploads.account, fleet)
