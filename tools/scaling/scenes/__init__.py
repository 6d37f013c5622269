"""The scenes, one file each. A scene is a function that gets a Scene (scene.py) and returns nothing: what it finds is in the Result
that the Scene has, and what must not be is a fault there.

  kill_host    a host dies under uploads through a balancer, and comes back
  cut_link     its link is cut for some seconds
  delay_link   its link is slow for a while
  restart      all servers are restarted in turn, or upgraded
  chat         a room over three servers, of which one dies while another one's link is cut
  throughput   what a room delivers through Redis, against one server's own
"""

from . import chat, cut_link, delay_link, kill_host, restart, throughput

# name -> (function, title, seconds that it may take: quick, whole). The balancer is its second argument, if there is one.
SCENES = {
    "kill-haproxy": (kill_host.play, "a host dies, behind HAProxy", (120, 240), "haproxy"),
    "kill-nginx": (kill_host.play, "a host dies, behind nginx", (120, 240), "nginx"),
    "cut-haproxy": (cut_link.play, "a link is cut, behind HAProxy", (120, 240), "haproxy"),
    "cut-nginx": (cut_link.play, "a link is cut, behind nginx", (120, 240), "nginx"),
    "delay-haproxy": (delay_link.play, "a link is slow, behind HAProxy", (120, 240), "haproxy"),
    "restart-haproxy": (restart.drain_in_turn, "restarts in turn, behind HAProxy", (180, 240), "haproxy"),
    "upgrade-nginx": (restart.upgrade_in_turn, "upgrades in turn, behind nginx", (180, 240), "nginx"),
    "chat": (chat.play, "a room over three servers", (180, 900), ""),
    "throughput": (throughput.play, "a room through Redis", (180, 420), ""),
}
