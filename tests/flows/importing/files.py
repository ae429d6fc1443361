"""Small files of the other products, written for these tests."""

from typing import Any

Json = dict[str, Any]


def said(*lines: str) -> Json:
    """A rich text of Typebot's."""
    return {"richText": [{"type": "p", "children": [{"text": line}]} for line in lines]}


def typebot6() -> Json:
    return {
        "version": "6.1",
        "id": "bot1",
        "name": "Pizzaria",
        "events": [
            {"id": "ev", "type": "start", "outgoingEdgeId": "e0", "graphCoordinates": {"x": 0, "y": 0}},
            {"id": "cmd", "type": "command", "options": {"command": "ajuda"}, "outgoingEdgeId": "e5",
             "graphCoordinates": {"x": 0, "y": 500}},
            {"id": "rep", "type": "reply", "graphCoordinates": {"x": 0, "y": 900}},
        ],
        "groups": [
            {"id": "g1", "title": "Boas-vindas", "graphCoordinates": {"x": 400, "y": 20}, "blocks": [
                {"id": "t1", "type": "text", "content": {"richText": [
                    {"type": "p", "children": [{"text": "Olá "}, {"text": "{{Nome do cliente}}", "bold": True}]}]}},
                {"id": "t2", "type": "text", "content": said("O que deseja?")},
                {"id": "c1", "type": "choice input", "options": {"variableId": "v2"}, "items": [
                    {"id": "i1", "content": "Pedir", "outgoingEdgeId": "e1"},
                    {"id": "i2", "content": "Horário", "value": "hours"}]},
                {"id": "s1", "type": "Set variable", "options": {
                    "variableId": "v3", "expressionToEvaluate": "{{Total}} + 1", "isCode": False}},
                {"id": "w1", "type": "Wait", "options": {"secondsToWaitFor": "3"}},
            ]},
            {"id": "g2", "title": "Pedido", "graphCoordinates": {"x": 800, "y": 20}, "blocks": [
                {"id": "t3", "type": "text", "content": said("Quantas pizzas?")},
                {"id": "n1", "type": "number input", "options": {"variableId": "v3", "min": 1, "max": 20}},
                {"id": "if", "type": "Condition", "items": [
                    {"id": "big", "outgoingEdgeId": "e2", "content": {"logicalOperator": "AND", "comparisons": [
                        {"id": "x", "variableId": "v3", "comparisonOperator": "Greater than", "value": "5"}]}}]},
                {"id": "http", "type": "Webhook", "options": {
                    "webhook": {"method": "POST", "url": "https://loja.example/api", "body": "{\"n\": {{Total}}}",
                                "headers": [{"id": "h", "key": "X-Key", "value": "abc"}]},
                    "responseVariableMapping": [{"id": "m", "variableId": "v4", "bodyPath": "data.order.id"}]}},
                {"id": "js", "type": "Code", "options": {"content": "alert(1)"}},
                {"id": "ab", "type": "AB test", "options": {"aPercent": 30}, "items": [
                    {"id": "a", "path": "a", "outgoingEdgeId": "e3"}, {"id": "b", "path": "b"}]},
                {"id": "j1", "type": "Jump", "options": {"groupId": "g3"}},
            ]},
            {"id": "g3", "title": "Fim", "graphCoordinates": {"x": 1200, "y": 20}, "blocks": [
                {"id": "im", "type": "image", "content": {"url": "https://loja.example/p.png"}},
                {"id": "r1", "type": "Redirect", "options": {"url": "https://loja.example"}},
                {"id": "l1", "type": "Typebot link", "options": {"typebotId": "bot2"}},
            ]},
        ],
        "edges": [
            {"id": "e0", "from": {"eventId": "ev"}, "to": {"groupId": "g1"}},
            {"id": "e1", "from": {"blockId": "c1", "itemId": "i1"}, "to": {"groupId": "g2"}},
            {"id": "e2", "from": {"blockId": "if", "itemId": "big"}, "to": {"groupId": "g3"}},
            {"id": "e3", "from": {"blockId": "ab", "itemId": "a"}, "to": {"groupId": "g3", "blockId": "r1"}},
            {"id": "e5", "from": {"eventId": "cmd"}, "to": {"groupId": "g1", "blockId": "c1"}},
        ],
        "variables": [
            {"id": "v1", "name": "Nome do cliente"}, {"id": "v2", "name": "Opção"}, {"id": "v3", "name": "Total"},
            {"id": "v4", "name": "Pedido"}],
        "settings": {},
        "theme": {},
    }  # fmt: skip


def typebot3() -> Json:
    """The older form: the start is a block, texts are HTML, sources name their group."""
    return {
        "version": "3",
        "id": "old",
        "name": "Antigo",
        "groups": [
            {"id": "g0", "title": "Start", "graphCoordinates": {"x": 0, "y": 0}, "blocks": [
                {"id": "s", "groupId": "g0", "type": "start", "label": "Start", "outgoingEdgeId": "e0"}]},
            {"id": "g1", "title": "Dados", "graphCoordinates": {"x": 300, "y": 0}, "blocks": [
                {"id": "b1", "groupId": "g1", "type": "text", "content": {
                    "html": "<div>Seu e-mail?</div><div>É &amp; rápido</div>", "plainText": "", "richText": []}},
                {"id": "b2", "groupId": "g1", "type": "email input", "outgoingEdgeId": "e1", "options": {
                    "variableId": "v1", "labels": {}, "retryMessageContent": "Não parece um e-mail."}}]},
            {"id": "g2", "title": "Nota", "graphCoordinates": {"x": 600, "y": 0}, "blocks": [
                {"id": "b3", "groupId": "g2", "type": "rating input", "options": {"length": 5}},
                {"id": "b4", "groupId": "g2", "type": "Set variable", "options": {
                    "variableId": "v1", "expressionToEvaluate": "'feito'"}},
                {"id": "b5", "groupId": "g2", "type": "Google Sheets", "options": {}}]},
        ],
        "edges": [
            {"id": "e0", "from": {"groupId": "g0", "blockId": "s"}, "to": {"groupId": "g1"}},
            {"id": "e1", "from": {"groupId": "g1", "blockId": "b2"}, "to": {"groupId": "g2"}},
        ],
        "variables": [{"id": "v1", "name": "email"}],
    }  # fmt: skip


def rapidpro() -> Json:
    """An export with two flows and a keyword trigger."""
    return {
        "version": "13",
        "site": "https://rapidpro.example",
        "flows": [_colors(), _child()],
        "triggers": [{"trigger_type": "K", "keywords": ["cor"], "match_type": "O", "flow": {"uuid": "f1"}}],
        "campaigns": [],
    }


def _category(uuid: str, name: str, leaving: str) -> Json:
    return {"uuid": uuid, "name": name, "exit_uuid": leaving}


def _colors() -> Json:
    return {
        "uuid": "f1", "name": "Cores", "spec_version": "13.1.0", "language": "por", "type": "messaging",
        "expire_after_minutes": 60,
        "localization": {"eng": {"a1": {"text": ["Hi @contact.first_name, your colour?"]},
                                 "k1": {"arguments": ["red"]}}},
        "nodes": [
            {"uuid": "n1", "actions": [
                {"uuid": "a1", "type": "send_msg", "text": "Oi @contact.first_name, sua cor?",
                 "quick_replies": ["Vermelho", "Azul"]}],
             "exits": [{"uuid": "x1", "destination_uuid": "n2"}]},
            {"uuid": "n2", "actions": [], "router": {
                "type": "switch", "operand": "@input.text", "result_name": "Cor Favorita",
                "wait": {"type": "msg", "timeout": {"seconds": 600, "category_uuid": "c4"}},
                "cases": [
                    {"uuid": "k1", "type": "has_any_word", "arguments": ["vermelho"], "category_uuid": "c1"},
                    {"uuid": "k2", "type": "has_any_word", "arguments": ["azul"], "category_uuid": "c2"}],
                "categories": [_category("c1", "Vermelha", "x2"), _category("c2", "Azul", "x3"),
                               _category("c3", "Outra", "x4"), _category("c4", "Sem resposta", "x5")],
                "default_category_uuid": "c3"},
             "exits": [{"uuid": "x2", "destination_uuid": "n3"}, {"uuid": "x3", "destination_uuid": "n3"},
                       {"uuid": "x4", "destination_uuid": "n5"}, {"uuid": "x5", "destination_uuid": "n6"}]},
            {"uuid": "n3", "actions": [
                {"uuid": "a2", "type": "set_contact_field", "field": {"key": "cor", "name": "Cor"},
                 "value": "@results.cor_favorita"},
                {"uuid": "a3", "type": "add_contact_groups", "groups": [{"uuid": "gr", "name": "Pintores"}]},
                {"uuid": "a4", "type": "send_msg",
                 "text": "Boa: @(upper(results.cor_favorita)) (@results.cor_favorita.category), me@x.com"},
                {"uuid": "a5", "type": "enter_flow", "flow": {"uuid": "f2", "name": "Filho"}}],
             "router": {"type": "switch", "operand": "@child.status",
                        "cases": [{"uuid": "k3", "type": "has_only_text", "arguments": ["completed"],
                                   "category_uuid": "c5"}],
                        "categories": [_category("c5", "Complete", "x6"), _category("c6", "Expired", "x7")],
                        "default_category_uuid": "c6"},
             "exits": [{"uuid": "x6", "destination_uuid": "n4"}, {"uuid": "x7"}]},
            {"uuid": "n4", "actions": [
                {"uuid": "a6", "type": "call_webhook", "method": "POST", "url": "https://x.example/?n=@contact.name",
                 "headers": {"Accept": "application/json"}, "body": "{\"cor\": \"@results.cor_favorita\"}",
                 "result_name": "chamada"}],
             "router": {"type": "switch", "operand": "@webhook.status",
                        "cases": [{"uuid": "k4", "type": "has_number_between", "arguments": ["200", "299"],
                                   "category_uuid": "c7"}],
                        "categories": [_category("c7", "Success", "x8"), _category("c8", "Failure", "x9")],
                        "default_category_uuid": "c8"},
             "exits": [{"uuid": "x8", "destination_uuid": "n6"}, {"uuid": "x9", "destination_uuid": "n5"}]},
            {"uuid": "n5", "actions": [{"uuid": "a7", "type": "send_msg", "text": "Não entendi."},
                                       {"uuid": "a8", "type": "play_audio", "audio_url": "https://x"}],
             "exits": [{"uuid": "x10"}]},
            {"uuid": "n6", "router": {"type": "random", "categories": [_category("c9", "A", "x11"),
                                                                      _category("c10", "B", "x12")]},
             "exits": [{"uuid": "x11", "destination_uuid": "n5"}, {"uuid": "x12"}]},
        ],
        "_ui": {"nodes": {"n1": {"position": {"left": 100, "top": 50}}, "n2": {"position": {"left": 100, "top": 300}},
                          "n3": {"position": {"left": 400, "top": 600}}},
                "stickies": {"st": {"title": "Atenção", "body": "rever", "color": "green",
                                    "position": {"left": 900, "top": 10}}}},
    }  # fmt: skip


def _child() -> Json:
    return {
        "uuid": "f2", "name": "Filho", "spec_version": "13.1.0", "language": "por", "type": "messaging",
        "localization": {},
        "nodes": [
            {"uuid": "m1", "actions": [{"uuid": "b1", "type": "send_msg", "text": "Quantos anos?"}],
             "exits": [{"uuid": "y1", "destination_uuid": "m2"}]},
            {"uuid": "m2", "actions": [], "router": {
                "type": "switch", "operand": "@input.text", "result_name": "Idade", "wait": {"type": "msg"},
                "cases": [{"uuid": "q1", "type": "has_number_between", "arguments": ["1", "120"],
                           "category_uuid": "d1"}],
                "categories": [_category("d1", "Idade", "y2"), _category("d2", "Outra", "y3")],
                "default_category_uuid": "d2"},
             "exits": [{"uuid": "y2"}, {"uuid": "y3", "destination_uuid": "m3"}]},
            {"uuid": "m3", "actions": [{"uuid": "b2", "type": "set_run_result", "name": "Idade", "value": "0",
                                        "category": "Nenhuma"}], "exits": [{"uuid": "y4"}]},
        ],
    }  # fmt: skip
