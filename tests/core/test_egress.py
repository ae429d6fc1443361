"""Where calls on behalf of tenants may go."""

import pytest

from pytake_app.core.egress import EgressGuard, EgressRefusedError

PUBLIC = "93.184.215.14"


def answering(*addresses: str) -> EgressGuard:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return EgressGuard(resolve=resolve)


async def reason(guard: EgressGuard, url: str) -> str:
    with pytest.raises(EgressRefusedError) as refused:
        await guard.check(url)
    return refused.value.reason


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0",
        "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.170.2",
        "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.255.255.250",
        "255.255.255.255", "240.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::10.0.0.1]", "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]",
        "[ff02::1]", "[2001:db8::1]", "[2001:0:a9fe:a9fe::1]", "[3fff::1]", "[5f00::1]",
        # RFC 6052, 2.2: with a /48 the IPv4 address stands in the middle, and the end may say anything.
        "[64:ff9b:1:7f00:0:100:808:808]", "[64:ff9b:1::8.8.8.8]",
    ],
)  # fmt: skip
async def test_addresses_that_are_not_public_are_refused_in_any_form(host: str) -> None:
    assert await reason(EgressGuard(), f"http://{host}/latest") == "private_address"


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:10.0.0.1", "169.254.169.254", "fd00::1", "fe80::1%eth0"])
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    assert await reason(answering(address), "https://metadata.example") == "private_address"
    assert await reason(answering(PUBLIC, address), "https://both.example") == "private_address"


@pytest.mark.parametrize("host", ["1.1.1.1", "8.8.8.8", "[2606:4700:4700::1111]", "[::ffff:1.1.1.1]", "172.32.0.1"])
async def test_public_addresses_pass(host: str) -> None:
    target = await EgressGuard().check(f"https://{host}/x")
    assert target.port == 443


async def test_the_checked_address_is_the_one_to_connect_to() -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def rebinding(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    target = await EgressGuard(resolve=rebinding).check("http://evil.example:8080/")
    assert (target.host, target.port, target.address) == ("evil.example", 8080, PUBLIC)
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "scheme"), ("gopher://1.1.1.1/", "scheme"), ("ftp://1.1.1.1/", "scheme"),
        ("//1.1.1.1/", "scheme"), ("http:///x", "invalid_url"), ("http://user:pw@1.1.1.1/", "credentials"),
        ("http://1.1.1.1@127.0.0.1/", "credentials"), ("http://1.1.1.1\\@127.0.0.1/", "invalid_url"),
        ("http://1.1.1.1:99999/", "invalid_url"), ("http://1.1.1.1:0/", "invalid_url"),
        ("http://127.0.0.1\t/", "invalid_url"), ("http://[::1/", "invalid_url"), ("http://exa mple/", "invalid_url"),
        ("http://127.0.0.1./", "private_address"), ("HTTP://LOCALHOST/", "private_address"),
    ],
)  # fmt: skip
async def test_other_forms_are_refused(url: str, why: str) -> None:
    assert await reason(EgressGuard(), url) == why


async def test_the_operator_may_allow_hosts_ports_and_networks() -> None:
    guard = EgressGuard("localhost, 127.0.0.1:9000 10.1.0.0/16")
    assert (await guard.check("http://localhost:1/")).host == "localhost"
    assert (await guard.check("http://127.0.0.1:9000/")).address == "127.0.0.1"
    assert (await guard.check("http://10.1.2.3/")).port == 80
    assert (await guard.check("http://[::ffff:10.1.2.3]/")).port == 80
    assert await reason(guard, "http://127.0.0.1:9001/") == "private_address"
    assert await reason(guard, "http://10.2.0.1/") == "private_address"


async def test_a_name_without_address_is_refused() -> None:
    assert await reason(answering(), "http://nowhere.example/") == "unresolved"
