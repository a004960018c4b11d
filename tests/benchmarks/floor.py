"""What PostgreSQL answers to its own client: `pgbench -S`, one row by id, on a connection for each of its clients."""

import re
import subprocess

from tests.benchmarks.servers import pin
from tests.servers.kinds import binary
from tests.servers.postgres import BINARIES


def pgbench(dsn: str, clients: int, seconds: int) -> float | None:
    """Rows per second; None where pgbench isn't installed."""
    program = binary("pgbench", BINARIES)
    if program is None:
        return None
    arguments = [program, "-n", "-S", "-M", "prepared", "-c", str(clients), "-T", str(seconds), dsn]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    pin(process.pid, 0)
    output = process.communicate(timeout=seconds + 60)[0]
    found = re.search(r"tps = ([0-9.]+)", output)
    assert found is not None, output
    return float(found[1])


def prepare(dsn: str) -> None:
    """Make pgbench's own tables, of 100,000 rows."""
    program = binary("pgbench", BINARIES)
    if program is not None:
        subprocess.run([program, "-i", "-q", dsn], capture_output=True, check=True, timeout=60)
