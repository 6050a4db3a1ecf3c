"""Contracts with many classes or many inputs."""

import json
from pathlib import Path

import numpy as np
import pytest

from contract.schema import Contract, Input, Output
from score.guesses import guess
from tests.app.adapted.species import MEGABYTE, PENGUIN
from tests.support.apples import compiled, document_of, grown, rows_of
from tests.support.service import serving
from tests.support.telemetry import free_port, samples, scrape, value

WIDE = 2_000  # inputs


def test_many_faulty_inputs_are_not_guessed_at() -> None:
    """No single mistake is looked for behind 200 faulty values of 200 units."""
    inputs = [Input(f"m{i}", unit=f"u{i}", minimum=0.5, maximum=1000, typical=(1, 300)) for i in range(200)]
    assert guess(inputs, (2000.0,) * 200) is None


@pytest.mark.long
@pytest.mark.parametrize("classes", [2, 40, 200])
def test_a_service_takes_no_more_memory_with_more_classes(tmp_path: Path, classes: int) -> None:
    """A service of 200 classes takes less than 80 MB: no table has an entry for each set of classes."""
    output, port = Output(classes=tuple(f"class_{i}" for i in range(classes))), free_port()
    contract = Contract(name="many", inputs=PENGUIN.inputs, output=output)
    parameters = {"objective": "multi:softprob", "num_class": classes, "max_depth": 2}
    grown(contract, tmp_path / "model.json", parameters, rounds=1)
    bundle = compiled(contract, tmp_path / "model.json", tmp_path / "bundle")
    with serving(bundle, METRICS_PORT=str(port)) as service:
        seen = set()
        for row in rows_of(contract, 40):
            found = service.predict(document_of(contract, row)).document
            assert len(found["probabilities"]) == classes
            seen.add(found["class"])
        assert len(seen) > 1
        found = samples(scrape(port))
        assert value(found, "penguins_predictions_total") == 40
        assert value(found, "process_resident_memory_bytes") < 80 * MEGABYTE


@pytest.mark.long
@pytest.mark.parametrize("door", ["1", "0"], ids=["fast", "starlette"])
def test_two_thousand_inputs_are_served(tmp_path: Path, door: str) -> None:
    """A body of 80 kB with 2,000 inputs is predicted at both doors, explained, and diagnosed with 64 errors."""
    inputs = tuple(Input(f"a long name of an input {number:012}", missing=number % 2 > 0) for number in range(WIDE))
    contract = Contract(name="wide", inputs=inputs, output=Output(kind="number"))
    booster = grown(contract, tmp_path / "model.json", {"objective": "reg:squarederror"}, rounds=4, rows=100)
    bundle = compiled(contract, tmp_path / "model.json", tmp_path / "bundle")
    row = rows_of(contract, 1, seed=3, missing=0)
    body = json.dumps(document_of(contract, row[0])).encode()
    assert len(body) > 80_000
    with serving(bundle, FAST_PATH=door) as service:
        assert service.predict(body).document["prediction"] == float(booster.inplace_predict(row)[0])
        assert service.request("POST", "/explain", body).status == 200
        refused = service.predict(b"{}")
        assert (refused.status, len(refused.document["errors"])) == (422, 64)
        most = 2 * (len(body) + 32 * WIDE)
        assert service.predict(body + b" " * most).status == 413
        tensor = {"name": "measurements", "datatype": "FP32", "shape": [1, WIDE], "data": row.tolist()}
        answer = service.request("POST", "/v2/models/wide/infer", json.dumps({"inputs": [tensor]}).encode()).document
        assert np.float32(answer["outputs"][0]["data"][0]) == booster.inplace_predict(row)[0]
