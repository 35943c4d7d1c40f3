"""Refuses every socket that reaches beyond this machine.

The tests run this file, and their child processes import it as they start, since its folder stands first in
the ``PYTHONPATH`` that they inherit.
"""

from __future__ import annotations

import ipaddress
import sys

SOCKET_EVENTS = {"socket.connect", "socket.bind", "socket.sendto"}


def _stay_on_this_machine(event: str, arguments: tuple) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in SOCKET_EVENTS and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    try:
        inside = host in ("localhost", None) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise PermissionError(f"a test reached for {host!r}, outside this machine ({event})")


sys.addaudithook(_stay_on_this_machine)
