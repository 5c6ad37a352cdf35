"""The network between a daemon and its servers goes silent: no connection is reset."""
import pytest

import network
from conftest import POLICY
from daemon import LONG, wait_until
from test_outages import Load

# Shorter than the defaults of 15 s and 20 s.
QUICK = {} if LONG else {"tcp_user_timeout": 4000, "keepalives_idle": 2, "keepalives_interval": 1, "connect_timeout": 3}


@pytest.fixture
def net(pg, kafka):
    why = network.why_not()
    if why:
        pytest.skip(why)
    try:
        made = network.Network(pg.port, kafka.port)
    except OSError as error:
        pytest.skip(f"cannot create a network here: {error}")
    yield made
    made.close()


def test_a_daemon_is_cut_off(make_stream, make_site, part, net):
    """The other daemon takes its partitions, including any transaction that it left open. When the first one is
    back, it has lost them, and nothing counts twice."""
    stream = make_stream(4)
    site = make_site(stream, POLICY, {"run": {"batch_max_events": 200},
                                      "kafka": {"session.timeout.ms": 3000, "heartbeat.interval.ms": 500},
                                      "postgres": QUICK})
    load = Load(stream, part.disordered(seed=11), 1500)
    load.start()
    inside, outside = (net.here, net.pg_port), (site.pg_host, site.pg_port)
    site.pg_host, site.pg_port = inside
    site.configure()
    cut_off = site.start("cut-off", within=net.command)
    wait_until(lambda: cut_off.logged("16 partitions taken"), "the first to read alone")
    site.wait_progress(2000)
    site.pg_host, site.pg_port = outside
    site.configure()
    net.link.cut()
    other = site.start("other")
    wait_until(lambda: other.logged("16 partitions taken"), "the other to have all of them")
    # The first reads its file again if the group takes its two attempts to join for two members.
    site.pg_host, site.pg_port = inside
    site.configure()
    site.wait_progress(3000)
    wait_until(lambda: cut_off.logged(r"PostgreSQL \(lane 0\) is unreachable"), "the first to see that it is alone")
    net.link.heal()
    wait_until(lambda: cut_off.logged(r"PostgreSQL \(lane 0\) is back"), "the first to be back")
    load.finish()
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())
    # And it gets its share again.
    wait_until(lambda: site.one("SELECT count(DISTINCT owner) FROM kpid.source_partition") == 2, "both to own some")
    other.stop(10)
    wait_until(lambda: site.one("SELECT count(DISTINCT owner) FROM kpid.source_partition") == 1, "the first to own all")
