"""Where a connector's requests may lead: literals, redirects and names that change their mind."""

import socket
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors import Fatal, Http, Retryable
from ekinerja_connectors.egress import LOOPBACK, Egress, EgressRefused
from ekinerja_connectors.testing.fakes import serve
from yarl import URL

NOWHERE_INSIDE = Egress.of(())


@pytest.mark.parametrize(
    ("address", "global_"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),  # carriers' own
        ("169.254.169.254", False),  # metadata of clouds
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%2", False),
        ("fd00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),  # mapped
        ("::ffff:93.184.216.34", True),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("64:ff9b::7f00:1", False),  # NAT64 of 127.0.0.1
        ("64:ff9b::5db8:d822", True),
        ("not an address", False),
    ],
)
def test_only_global_addresses_may_be_reached_unless_allowed(address: str, global_: bool) -> None:
    assert NOWHERE_INSIDE.permits("siasn.example", address) is global_


def test_networks_addresses_and_names_may_be_allowed_each_alone() -> None:
    egress = Egress.of(["10.20.0.0/16", "192.168.7.7", "Dalam.Example.go.id", *LOOPBACK])

    assert egress.permits("x.example", "10.20.3.4")
    assert egress.permits("x.example", "::ffff:10.20.3.4")
    assert not egress.permits("x.example", "10.21.3.4")
    assert egress.permits("x.example", "192.168.7.7")
    assert not egress.permits("x.example", "192.168.7.8")
    assert egress.permits("dalam.example.go.id.", "10.99.0.1")
    assert not egress.permits("lain.example.go.id", "10.99.0.1")
    assert egress.permits("x.example", "::1")


@pytest.mark.parametrize("word", ["10.0.0.0/33", "10.0.0.1/8", "999.1.1.1", "a b", "", "http://x"])
def test_word_that_is_neither_network_nor_name_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="neither a network nor a host's name"):
        Egress.of([word])


class Service:
    """One on loopback that counts who reached it."""

    def __init__(self) -> None:
        self.reached = 0
        self.app = web.Application()
        self.app.router.add_get("/{tail:.*}", self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        self.reached += 1
        return web.Response(text="dalam")


LITERALS = [
    "127.0.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127。0。0。1", "１２７．０．０．１", "localhost", "0",
]  # fmt: skip


@pytest.mark.parametrize("literal", LITERALS)
async def test_loopback_is_not_reached_in_any_notation(literal: str) -> None:
    service = Service()
    async with serve(service.app) as url:
        port = url.rpartition(":")[2]
        try:
            http = Http([f"http://{literal}:{port}"], egress=NOWHERE_INSIDE)
        except ValueError:
            return  # not even an address
        async with http:
            with pytest.raises((Fatal, Retryable)) as caught:  # Retryable: names nothing at all
                await http.get(f"http://{literal}:{port}/x")

    assert service.reached == 0
    if literal in ("127.0.0.1", "[::ffff:127.0.0.1]", "localhost"):
        assert type(caught.value) is Fatal
        assert "EKINERJA_EGRESS_ALLOW" in str(caught.value)


async def test_allowed_loopback_is_reached_and_counts_as_the_control_of_the_test_above() -> None:
    service = Service()
    async with (
        serve(service.app) as url,
        Http([url], egress=Egress.of(LOOPBACK)) as http,
    ):
        response = await http.get(url)

    assert (service.reached, response.body) == (1, b"dalam")


@pytest.fixture
def rebinding(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name whose server answers otherwise each time: what is left of the list, in turn."""
    answers: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host == "berubah.example":
            return real(answers.pop(0), port, *rest, **named)
        return real(host, port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


async def test_name_that_answers_global_first_and_loopback_then_is_refused_at_the_socket(
    rebinding: list[str],
) -> None:
    service = Service()
    async with serve(service.app) as url:
        port = url.rpartition(":")[2]
        address = f"http://berubah.example:{port}"
        egress = Egress.of(["192.0.2.0/24"])  # as if it were global; nobody answers there
        # Whoever asks the resolver for a check beforehand sees the first answer.
        rebinding += ["192.0.2.1", "127.0.0.1"]
        checked = socket.getaddrinfo("berubah.example", int(port), type=socket.SOCK_STREAM)
        assert egress.permits("berubah.example", str(checked[0][4][0]))

        async with Http([address], egress=egress) as http:
            with pytest.raises(Fatal, match=r"berubah\.example leads to an address inside"):
                await http.get(address)

    assert (rebinding, service.reached) == ([], 0)


async def test_redirect_to_a_declared_name_inside_is_judged_at_the_socket() -> None:
    service = Service()
    async with serve(service.app) as inside:
        port = inside.rpartition(":")[2]
        outside = web.Application()

        async def redirect(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"http://localhost:{port}/"})

        outside.router.add_get("/", redirect)
        async with (
            serve(outside) as url,
            Http([url, f"http://localhost:{port}"], egress=Egress.of(["127.0.0.1"])) as http,
            Http([url, f"http://localhost:{port}"], egress=Egress.of(["127.0.0.2"])) as strict,
        ):
            strict._egress = Egress.of(["127.0.0.1"])  # for the first step, not for the redirect
            strict._session_of(URL(url))
            strict._egress = Egress.of(["127.0.0.2"])
            with pytest.raises(Fatal, match="localhost leads to an address inside"):
                await strict.get(url)
            assert service.reached == 0
            assert (await http.get(url)).body == b"dalam"

    assert service.reached == 1


def test_socket_is_made_for_what_is_allowed_only() -> None:
    make = NOWHERE_INSIDE.socket_factory("x.example")

    with pytest.raises(EgressRefused):
        make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    make((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80))).close()
