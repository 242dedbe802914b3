"""Nobody but the owner of a run gets into its Dask cluster: TLS on every port, and nothing beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client
from support.ports import answers_without_tls, listening, with_children

import stmgpu as stm
from stmgpu.distribute.cluster import client_of
from stmgpu.errors import InputError

INTRUDER = """
import asyncio, json, ssl, sys
from distributed.comm import connect
from distributed.security import Security

addresses, certificate, key = json.load(sys.stdin)
nobody = ssl.create_default_context()
nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
stranger = Security.temporary().get_connection_args("client")
owner = Security(tls_ca_file=certificate, tls_client_cert=certificate, tls_client_key=key).get_connection_args("client")
attempts = {
    "plain": lambda address: connect(address.replace("tls://", "tcp://"), timeout=2),
    "without a certificate": lambda address: connect(address, timeout=2, ssl_context=nobody),
    "with one of its own": lambda address: connect(address, timeout=2, **stranger),
    "owner": lambda address: connect(address, timeout=2, **owner),
}

async def attempt(who, address):
    try:
        comm = await attempts[who](address)
    except OSError:
        return who, address, "refused"
    comm.abort()
    return who, address, "connected"

async def all_attempts():
    return await asyncio.gather(*(attempt(who, address) for who in attempts for address in addresses))

print(json.dumps(asyncio.run(all_attempts())))
"""


def intrude(client: Client, *addresses: str) -> dict[str, set[str]]:
    """Outcome of the attempts of another process to connect, by what it presents."""
    role = client.security.get_tls_config_for_role("client")
    done = subprocess.run(
        [sys.executable, "-c", INTRUDER],
        input=json.dumps([addresses, role["cert"], role["key"]]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    outcomes: dict[str, set[str]] = {}
    for who, _, outcome in json.loads(done.stdout):
        outcomes.setdefault(who, set()).add(outcome)
    return outcomes


REFUSED = {"plain": {"refused"}, "without a certificate": {"refused"}, "with one of its own": {"refused"}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with client_of(stm.Dask(1), 1, tmp_path_factory.mktemp("cluster")) as client:
        yield client


@pytest.mark.slow
@pytest.mark.alone
class TestLocalCluster:
    def test_only_the_owner_of_the_certificate_connects(self, client: Client) -> None:
        (worker,) = client.scheduler_info()["workers"].values()
        addresses = (client.scheduler_info()["address"], worker["nanny"], client.run(_address).popitem()[1])
        assert all(address.startswith("tls://127.0.0.1:") for address in addresses)
        assert intrude(client, *addresses) == REFUSED | {"owner": {"connected"}}

    def test_no_port_answers_without_tls(self, client: Client) -> None:
        ports = listening(*with_children(os.getpid()))
        assert len(ports) == 3  # scheduler, nanny, worker
        assert {ip for ip, _ in ports} == {"127.0.0.1"}
        assert [port for _, port in ports if answers_without_tls(port)] == []

    def test_nobody_else_enters_the_folder_of_a_worker(self, client: Client) -> None:
        folder = Path(client.run(_folder).popitem()[1])
        (private,) = (path for path in folder.parents if path.parent == Path(tempfile.gettempdir()))
        assert private.stat().st_mode & 0o777 == 0o700
        assert private.stat().st_uid == os.geteuid()


def _folder(dask_worker: object) -> str:
    return str(dask_worker.local_directory)  # type: ignore[attr-defined]


def _address(dask_worker: object) -> str:
    return str(dask_worker.address)  # type: ignore[attr-defined]


def test_a_port_that_answers_is_noticed() -> None:
    """The check itself finds a server of HTTP."""
    server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "0"]
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 30
            while not (ports := listening(process.pid)):
                assert time.monotonic() < end
                time.sleep(0.02)
            assert answers_without_tls(ports.pop()[1])
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler": "tcp://192.0.2.7:8786"}, "is not encrypted: anyone who can reach it.*use tls://, or --insecure"),
        ({"scheduler": "tcp://login.example:8786"}, "is not encrypted"),
        ({"insecure": True}, "--insecure belongs to --scheduler tcp://"),
        ({"scheduler": "slurm", "insecure": True}, "--insecure belongs to --scheduler tcp://"),
        ({"scheduler": "tls://192.0.2.7:8786", "insecure": True}, "--insecure belongs to --scheduler tcp://"),
    ],
)
def test_plain_tcp_to_another_machine_needs_consent(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message), client_of(stm.Dask(**options), 1, tmp_path):
        pass


def test_with_consent_a_plain_scheduler_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of RFC 5737, which leads nowhere, so it is the connection that fails and not the consent."""
    monkeypatch.setattr("stmgpu.distribute.cluster.CONNECT", "50ms")
    executor = stm.Dask(scheduler="tcp://192.0.2.7:8786", insecure=True)
    with pytest.raises(stm.StmgpuError, match="cannot be reached"), client_of(executor, 1, tmp_path):
        pass


@pytest.mark.parametrize("missing", ["SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID"])
def test_ranks_outside_a_job_step_are_refused(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID"} - {missing}:
        monkeypatch.setenv(name, "4")
    monkeypatch.delenv(missing, raising=False)
    with pytest.raises(InputError, match=f"{missing} is not set"), client_of(stm.Dask(scheduler="slurm"), 1, tmp_path):
        pass
    monkeypatch.setenv(missing, "2")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    with pytest.raises(InputError, match="not with 2"), client_of(stm.Dask(scheduler="slurm"), 1, tmp_path):
        pass
