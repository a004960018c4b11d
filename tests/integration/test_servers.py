"""The private servers of the tests start, answer, and survive what fault tests do to them."""

import pytest

from tests.servers.consul import CONSUL, CONSUL_ACL
from tests.servers.kinds import Kind, server
from tests.servers.mariadb import MARIADB
from tests.servers.mongo import MONGO, MONGO_STANDALONE
from tests.servers.postgres import POSTGRES
from tests.servers.redis import REDIS

KINDS = [POSTGRES, MARIADB, MONGO, MONGO_STANDALONE, CONSUL, CONSUL_ACL, REDIS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_server_answers_is_frozen_and_killed_and_answers_again(kind: Kind) -> None:
    with server(kind, private=True) as started:
        assert started.process is not None
        assert kind.answers(started.dsn)
        started.process.freeze()
        assert not kind.answers(started.dsn)
        started.process.thaw()
        assert kind.answers(started.dsn)
        started.process.kill()
        assert not kind.answers(started.dsn)
        started.process.start()
        assert kind.answers(started.dsn)
