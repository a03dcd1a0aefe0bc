"""Who listens on a port of this machine, as far as the system says."""

from __future__ import annotations

import psutil


def listener(port: int) -> str:
    """Return " by process 17 (python)" for what listens on a port; empty if the system does not say."""
    try:
        found = [
            one.pid
            for one in psutil.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid
        ]
        told = [f"process {pid} ({psutil.Process(pid).name()})" for pid in sorted({*found})]
    except psutil.Error:
        return ""
    return f" by {' and '.join(told)}, which left its group: end it by that id" if told else ""
