"""What `systemctl status` shows while a server is away."""
import contextlib

from daemon import wait_until
from service_manager import ServiceManager


def test_the_status_is_not_running_while_a_server_is_away(make_stream, make_site, pg, kafka):
    """With Kafka away it once was. One of the instances has no partition, and so nothing to read."""
    site = make_site(make_stream(1))
    with contextlib.ExitStack() as stack:
        managers = {name: stack.enter_context(ServiceManager()) for name in "abcde"}
        for name, manager in managers.items():
            site.start(name, environment=manager.environment)

        def wait_for(words, timeout):
            wait_until(lambda: {manager.status() for manager in managers.values()} == {words},
                       lambda: f"{words}: {[manager.statuses[-3:] for manager in managers.values()]}", timeout)

        wait_until(lambda: site.one("SELECT count(DISTINCT owner) FROM kpid.source_partition") == 4, "four to have a partition each")
        wait_for("running", 10)
        kafka.kill()
        wait_for("waiting for Kafka", 10)
        kafka.start()
        wait_for("running", 30)
        site.disconnect()
        pg.kill()
        wait_for("waiting for PostgreSQL", 10)
        pg.start()
        wait_for("running", 30)
