"""Answers in every cut, and what is no answer."""

import gzip
import random
import zlib
from itertools import pairwise

import httpx
import pytest

from pytake_app.channels.lean.answer import HEAD_BYTES, Answer, AnswerReader, TooLong

MOST = 1000
BODY = b'{"messages":[{"id":"wamid.A"}]}'
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Empty:\r\nContent-Length: 31\r\n\r\n" + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
    b'5;name=v\r\n{"mes\r\n1A\r\nsages":[{"id":"wamid.A"}]}\r\n0\r\nX-Sum: 1\r\n\r\n'
)
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + LENGTH
EMPTY = b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"
REFUSED = b"HTTP/1.1 429 Too Many\r\nretry-after: 17\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
OLD = b"HTTP/1.0 200 OK\r\nContent-Length: 31\r\n\r\n" + BODY
TO_THE_END = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY

WHOLE = [
    pytest.param(LENGTH, 200, BODY, True, id="length"),
    pytest.param(CHUNKED, 200, BODY, True, id="chunked"),
    pytest.param(EARLY, 200, BODY, True, id="early"),
    pytest.param(EMPTY, 204, b"", True, id="empty"),
    pytest.param(REFUSED, 429, b"{}", False, id="close"),
    pytest.param(OLD, 200, BODY, False, id="http-1.0"),
]


def cuts(wire: bytes) -> list[list[bytes]]:
    """In two at every byte, byte by byte, and at random."""
    chance = random.Random(5)
    found = [[wire[:at], wire[at:]] for at in range(1, len(wire))]
    found.append([wire[at : at + 1] for at in range(len(wire))])
    for _ in range(200):
        edges = [0, *sorted(chance.sample(range(1, len(wire)), chance.randint(2, 9))), len(wire)]
        found.append([wire[a:b] for a, b in pairwise(edges)])
    return found


@pytest.mark.parametrize(("wire", "status", "body", "reusable"), WHOLE)
def test_an_answer_is_the_same_however_it_is_cut(wire: bytes, status: int, body: bytes, reusable: bool) -> None:
    whole = AnswerReader(MOST)
    assert whole.feed(wire)
    assert (whole.answer().status, whole.answer().body, whole.reusable) == (status, body, reusable)
    for pieces in cuts(wire):
        reader = AnswerReader(MOST)
        said = [reader.feed(piece) for piece in pieces]
        assert said == [False] * (len(pieces) - 1) + [True], pieces
        assert reader.failure is None
        assert reader.answer() == whole.answer()
        assert reader.reusable is reusable


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    for pieces in cuts(TO_THE_END):
        reader = AnswerReader(MOST)
        assert not any(reader.feed(piece) for piece in pieces)
        assert reader.end()
        assert reader.answer().body == BODY
        assert not reader.reusable


@pytest.mark.parametrize("wire", [LENGTH, CHUNKED, EARLY])
def test_an_end_in_the_middle_is_no_answer(wire: bytes) -> None:
    for at in range(len(wire)):
        reader = AnswerReader(MOST)
        assert not reader.feed(wire[:at])
        assert not reader.end()
        assert not reader.complete


def test_one_reader_reads_answer_after_answer() -> None:
    reader = AnswerReader(MOST)
    for wire in (LENGTH, CHUNKED, EMPTY, EARLY, LENGTH):
        reader.begin()
        assert reader.feed(wire)
        assert reader.reusable
    assert reader.answer().headers == [
        (b"Content-Type", b"application/json"),
        (b"X-Empty", b""),
        (b"Content-Length", b"31"),
    ]


@pytest.mark.parametrize("rest", [b"x", LENGTH, b"HTTP/1.1 200", b"\x00" * 40])
@pytest.mark.parametrize("wire", [LENGTH, CHUNKED, EMPTY, REFUSED])
def test_more_than_was_announced_spoils_the_connection_not_the_answer(wire: bytes, rest: bytes) -> None:
    alone = AnswerReader(MOST)
    alone.feed(wire)
    reader = AnswerReader(MOST)
    assert reader.feed(wire + rest)
    assert reader.failure is None
    assert reader.answer() == alone.answer()
    assert not reader.reusable


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 099 Nothing\r\n\r\n",
    ],
)
def test_what_is_no_answer(wire: bytes) -> None:
    for pieces in ([wire], [wire[at : at + 1] for at in range(len(wire))]):
        reader = AnswerReader(MOST)
        for piece in pieces:
            if reader.feed(piece):
                break
        assert isinstance(reader.failure, httpx.RemoteProtocolError)
        assert not reader.complete
        assert not reader.reusable


def fed(head: bytes, piece: bytes, times: int) -> AnswerReader:
    reader = AnswerReader(MOST)
    reader.feed(head)
    for _ in range(times):
        if reader.feed(piece):
            break
    return reader


def test_neither_head_nor_body_nor_trailers_grow_without_end() -> None:
    line = b"X-Long: " + b"a" * 1000 + b"\r\n"
    times = HEAD_BYTES // len(line) + 2
    for reader in (
        fed(b"HTTP/1.1 200 OK\r\n", line, times),
        fed(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 1000, times),
        fed(b"HTTP/1.1 200 OK\r\n", line * times + b"Content-Length: 0\r\n\r\n", 1),
        fed(b"", b"HTTP/1.1 100 Continue\r\n\r\n", HEAD_BYTES // 20),
    ):
        assert type(reader.failure) is httpx.RemoteProtocolError
    chunked = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    for reader in (
        fed(b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n", b"b" * 100, 1000),
        fed(b"HTTP/1.1 500 No\r\n\r\n", b"b" * 100, 1000),
        fed(chunked, b"64\r\n" + b"b" * 100 + b"\r\n", 1000),
        fed(chunked + b"1\r\nb\r\n0\r\n", line, 1000),
    ):
        assert isinstance(reader.failure, TooLong)
        assert reader.failure.status == 500
        assert not reader.reusable


def test_as_much_as_may_be_is_taken() -> None:
    reader = AnswerReader(MOST)
    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (MOST, b"b" * MOST))
    assert (reader.failure, len(reader.answer().body)) == (None, MOST)


@pytest.mark.parametrize(
    ("name", "pack"), [(b"gzip", gzip.compress), (b"GZIP", gzip.compress), (b"deflate", zlib.compress)]
)
def test_what_comes_packed_is_unpacked_within_bounds(name: bytes, pack: object) -> None:
    assert callable(pack)
    headers = [(b"Content-Encoding", name)]
    assert Answer(200, headers, pack(BODY)).content(MOST) == BODY
    with pytest.raises(TooLong):
        Answer(200, headers, pack(b" " * (MOST + 1))).content(MOST)
    assert len(Answer(200, headers, pack(b" " * MOST)).content(MOST)) == MOST
    for broken in (pack(BODY)[:-5], b"not packed", b""):
        with pytest.raises(httpx.DecodingError):
            Answer(200, headers, broken).content(MOST)


def test_what_is_not_packed_is_left_alone() -> None:
    assert Answer(200, [], BODY).content(MOST) == BODY
    assert Answer(200, [(b"content-encoding", b"identity")], BODY).content(MOST) == BODY
    with pytest.raises(httpx.DecodingError):
        Answer(200, [(b"content-encoding", b"br")], BODY).content(MOST)
