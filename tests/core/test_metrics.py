"""Metrics: all roles in one answer, nothing of a person in a label, and every name in alerts and dashboards real."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from pytake_app.core import metrics

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/pytake.json"
HANDBOOK = ROOT / "docs/operations.md"
OURS = {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}
ALWAYS = {"le", "pid"}


def series() -> dict[str, set[str]]:
    """Every series that Prometheus would see, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in OURS.values():
        family = metric.describe()[0]
        labels = set(metric._labelnames) | ALWAYS
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        found |= {family.name + end: labels for end in ends}
    return found


def expressions() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("name", "expression"), list(expressions()))
def test_alerts_and_panels_ask_for_series_that_exist(name: str, expression: str) -> None:
    known = series()
    asked = re.findall(r"(pytake_\w+)(?:\{([^}]*)\})?", expression)
    assert asked, name
    for metric, matchers in asked:
        assert metric in known, f"{name}: {metric}"
        assert set(re.findall(r"(\w+)\s*[=!]~?", matchers)) <= known[metric], f"{name}: {matchers}"
    every_label = set().union(*known.values())
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in labels.split(",")} <= every_label, f"{name}: {labels}"
    assert expression.count("(") == expression.count(")")


def test_alerts_are_well_formed() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"PyTake[A-Za-z]+", rule["alert"])
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_the_handbook_names_every_metric_and_every_alert() -> None:
    text = HANDBOOK.read_text()
    missing = [metric.describe()[0].name for metric in OURS.values() if f"`{metric.describe()[0].name}" not in text]
    missing += [rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
                if f"### {rule['alert']}" not in text]  # fmt: skip
    assert missing == []


def test_labels_are_few() -> None:
    """No label can hold a person, a number, a text or an organization."""
    words = {label for metric in OURS.values() for label in metric._labelnames}
    assert words == {
        "method", "route", "status", "channel", "outcome", "error", "kind", "result", "code", "target", "reason",
        "answer", "state", "priority", "lanes", "role", "pool", "duty",
    }  # fmt: skip


_PROCESS = """
import sys
from pytake_app.core import metrics
metrics.counter(metrics.pokes, "lanes").inc(3)
metrics.process_memory.labels("worker").set(1000)
metrics.outbox_dead.set(int(sys.argv[1]))
print("there", flush=True)
sys.stdin.readline()
"""
_SCRAPE = "from pytake_app.core.exposition import exposition; print(exposition()[0].decode())"


def test_one_answer_for_all_processes_and_no_memory_of_the_dead(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    processes = []
    for number in ("1", "2"):
        process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, number], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        processes.append(process)

    def scrape() -> list[Any]:
        text = subprocess.run(
            [sys.executable, "-c", _SCRAPE], env=environment, capture_output=True, text=True, check=True
        ).stdout
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def values(name: str, **labels: str) -> list[float]:
        return [s.value for s in scrape() if s.name == name and labels.items() <= s.labels.items()]

    try:
        assert values("pytake_pokes_total", target="lanes") == [6]
        assert values("pytake_process_resident_bytes", role="worker") == [1000, 1000]
        assert values("pytake_outbox_dead") == [2]
        processes[0].communicate(b"\n", timeout=20)
        assert values("pytake_process_resident_bytes", role="worker") == [1000]
        assert values("pytake_pokes_total", target="lanes") == [6]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_counting_costs_next_to_nothing() -> None:
    """A send counts about six things: together they stay far below a thousandth of its time."""
    rounds = 20_000
    began = time.process_time()
    for _ in range(rounds):
        metrics.counter(metrics.graph_answers, "cost", "ok").inc()
        metrics.histogram(metrics.graph_seconds, "cost").observe(0.01)
    each = (time.process_time() - began) / rounds / 2
    assert each < 50e-6, f"{each * 1e6:.1f} µs"


def test_names_carry_units_and_prefix() -> None:
    for metric in OURS.values():
        name = metric.describe()[0].name
        assert name.startswith("pytake_")
        assert name in REGISTRY._names_to_collectors
