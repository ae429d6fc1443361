"""schemathesis over the whole OpenAPI document, signed in: no 500, no answer that the document doesn't tell of.

Each operation gets requests that its schema allows, and names things that exist. `PYTAKE_CONFORMANCE_EXAMPLES` tries
more of them for each, `PYTAKE_CONFORMANCE_SEED` others.
"""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from pytake_app.api.services import Services
from tests.api.fixtures import NewCaller
from tests.api.test_fuzz import LEFT_OUT, OUTSIDE, ends_things
from tests.api.test_tenancy import populate
from tests.security.isolation.references import filled

EXAMPLES = int(os.environ.get("PYTAKE_CONFORMANCE_EXAMPLES", "3"))
SEED = int(os.environ.get("PYTAKE_CONFORMANCE_SEED", "1"))
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]


def sent(client: TestClient, case: Any, ids: dict[str, Any], headers: dict[str, str]) -> Any:
    """The case's request with ids that exist where it names things."""
    for name in case.path_parameters or {}:
        if name in ids:
            case.path_parameters[name] = str(ids[name])
    case.query = filled(dict(case.query or {}), case.path, ids)
    if isinstance(case.body, dict | list) and case.media_type == "application/json":
        case.body = filled(case.body, case.path, ids)
    kwargs = case.as_transport_kwargs(base_url=str(client.base_url), headers=headers)
    kwargs.pop("cookies", None)
    kwargs["headers"] = dict(kwargs["headers"])
    return client.request(**kwargs)


@pytest.mark.timeout(600)
def test_answers_are_those_of_the_document(
    app: FastAPI, live_client: TestClient, register: NewCaller, services: Services
) -> None:
    schema = schemathesis.openapi.from_dict(live_client.get("/openapi.json").json())
    operations = [result.ok() for result in schema.get_all_operations()]
    wrong: dict[str, str] = {}
    caller = register()
    ids = populate(services, caller)
    tried = 0
    for operation in sorted(operations, key=lambda one: ends_things((one.method, one.path, None))):
        if (operation.method, operation.path) in LEFT_OUT:
            continue
        services.redis.flushdb()  # limits count anew

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def each(case: Any) -> None:
            nonlocal tried
            tried += 1
            answer = sent(live_client, case, ids, caller.headers)
            if answer.status_code == 503 and answer.json()["code"] in OUTSIDE:
                return
            try:
                case.validate_response(answer, checks=CHECKS, headers=caller.headers)
            except BaseExceptionGroup as error:
                wrong.setdefault(f"{case.method} {case.path} {answer.status_code}", said(error) + answer.text[:300])

        each()
    print(tried, "requests")
    assert not wrong, "\n\n".join(f"{route}: {what}" for route, what in wrong.items())
    assert tried > 200 * min(EXAMPLES, 2)


def said(found: BaseExceptionGroup) -> str:
    return "; ".join(str(one)[:500] for one in found.exceptions)
