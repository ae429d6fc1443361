"""The intent classifier node, with the built-in local classifier."""

from __future__ import annotations

from dataclasses import dataclass

from pytake_app.engine.classifier import Classifier, train
from pytake_app.engine.nodes.base import PORT_ERROR, PORT_OTHER, Config, ConfigIssue, Go, NodeType, Port, setting
from pytake_app.engine.nodes.menus import VARIABLE_NAME
from pytake_app.engine.nodes.triggers import check_options
from pytake_app.engine.templating import Template, TemplateCompiler, printed
from pytake_app.engine.visit import Visit


class Intent(Config):
    """What the contact may want, with example sentences."""

    id: str = setting("", required=True)
    label: str = setting("", required=True, max=60)
    examples: list[str] = setting(factory=list, widget="words", max=100)


class ClassifierConfig(Config):
    """Finds out which intent a text has. ``threshold``: how alike (0 to 1) it must be to an example;
    below it the answer is ``other``. ``model`` and ``prompt`` are kept for AI providers."""

    input: str = setting("{{ message.text }}", required=True, variables=True)
    intents: list[Intent] = setting(factory=list, widget="intents", required=True, max=50)
    output: str = setting("intent", pattern=VARIABLE_NAME)
    threshold: float = setting(0.25, widget="number", ge=0, le=1, advanced=True)
    model: str = setting("", advanced=True)
    prompt: str = setting("", widget="textarea", advanced=True)


@dataclass(frozen=True, slots=True)
class _Prepared:
    config: ClassifierConfig
    input: Template
    classifier: Classifier


def _prepare(config: ClassifierConfig, texts: TemplateCompiler) -> _Prepared:
    # The label and the id are examples too: an intent without examples still has its name.
    intents = [(i.id, [*i.examples, i.label, i.id.replace("_", " ")]) for i in config.intents]
    return _Prepared(config, texts(config.input), train(intents))


def _run(visit: Visit, prepared: _Prepared) -> Go:
    config = prepared.config
    text = printed(visit.value(prepared.input))
    if not config.intents:
        visit.error("classifier_unavailable", "the classifier has no intents to tell apart")
    intent, score = prepared.classifier.classify(text)
    if intent is None or score < config.threshold:
        intent, port, why = "other", "other", f"no intent is alike enough (best {score:.2f})"
    else:
        port, why = f"intent:{intent}", f"local classifier, similarity {score:.2f}"
    if config.output:
        visit.set_variable(config.output, intent)
    if visit.failed and visit.has("error"):
        return Go("error", "the input could not be read")
    return Go(port, why)


def _ports(config: ClassifierConfig) -> list[Port]:
    intents = [Port(id=f"intent:{i.id}", label=i.label or i.id, required=True) for i in config.intents]
    return [*intents, PORT_OTHER.model_copy(update={"required": True}), PORT_ERROR]


def _check(config: ClassifierConfig) -> list[ConfigIssue]:
    issues = check_options([(f"/intents/{i}", x.id, x.label) for i, x in enumerate(config.intents)], max_id=100)
    issues += [
        ConfigIssue("intent_without_examples", f"/intents/{i}/examples", "warning", {"intent": x.label or x.id})
        for i, x in enumerate(config.intents)
        if not any(e.strip() for e in x.examples)
    ]
    return issues


AI_CLASSIFIER = NodeType(
    type="ai_classifier", group="ai", icon="brain", config_model=ClassifierConfig, ports=_ports, prepare=_prepare,
    run=_run, check=_check, summary_field="output",
    default_config={"input": "{{ message.text }}", "output": "intent", "intents": [
        {"id": "intent_1", "label": "", "examples": []}]},
)  # fmt: skip
