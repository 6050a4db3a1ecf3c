"""Contracts of every kind of input, of derived features and of many classes: answered as XGBoost answers."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binding.library import Library
from compile.certification.oracle import BoosterOracle
from compile.certification.parity import certify, golden
from compile.certification.probes import Rows, derive_rows, random_inputs
from compile.reading.booster import CompilableModel, read_model
from contract.derived import Projection, Ratio
from contract.manifest import Digest
from contract.schema import Contract, Input, Output
from contract.uncertainty import Evidence, Gaussian, Uncertainty
from tests.compile.models import saved
from tests.support.libraries import TL2CGEN, WALK, built

pytestmark = pytest.mark.long

RANDOM = np.random.default_rng(5)
ROWS = 400
CONTRACT = Contract(
    name="churn",
    inputs=(
        Input("age", "integer", unit="a", minimum=18, maximum=99, example=40),
        Input("income", minimum=0, missing=True),
        Input("active", "boolean"),
        Input("plan", "category", categories=("basic", "plus", "max"), example="plus"),
        Input("calls", "integer", missing=True),
        Input("balance"),
    ),
    derived=(
        Ratio("income", "age"),
        Projection("risk", {"age": 0.1, "balance": -2.0, "calls": 1e-3}),
        Projection("half", {"income": 0.5}),
    ),
    output=Output(classes=("stays", "leaves"), label="churn"),
)


def drawn(random: np.random.Generator, rows: int) -> Rows:
    """Draw rows of the contract's inputs, as clients send them."""
    columns = [random.integers(18, 99, rows), random.gamma(2, 20_000, rows), random.integers(0, 2, rows)]
    columns += [random.integers(0, 3, rows), random.poisson(3, rows), random.normal(size=rows) * 50]
    found = np.column_stack(columns).astype(np.float32)
    found[random.random(rows) < 0.2, 1] = np.nan
    return found


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> CompilableModel:
    inputs = drawn(RANDOM, ROWS)
    features = derive_rows(CONTRACT, inputs)
    label = (np.nan_to_num(features[:, 6]) / 500 + features[:, 3] + inputs[:, 2] + RANDOM.normal(size=ROWS) > 3).astype(
        int
    )
    path = tmp_path_factory.mktemp("churn") / "model.ubj"
    how = {"objective": "binary:logistic", "max_depth": 4}
    saved(path, how, 12, data=features, label=label, feature_names=list(CONTRACT.features))
    return read_model(path, contract=CONTRACT)


@pytest.fixture(scope="module")
def library(churn: CompilableModel, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(built(churn, tmp_path_factory.mktemp("c"), TL2CGEN), CONTRACT.output.values)


@pytest.fixture
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.build.OPTIMIZED", "-O1")
    monkeypatch.setattr("compile.certification.probes.RANDOM_ROWS", 2_000)
    monkeypatch.setattr("compile.certification.probes.CONTEXTS", 1)


@pytest.mark.usefixtures("few_probes")
@pytest.mark.parametrize("tuning", [TL2CGEN, WALK])
def test_every_kind_of_input_is_answered_as_xgboost(churn: CompilableModel, tmp_path: Path, tuning: Any) -> None:
    """Ratios and projections of integers, booleans and categories give XGBoost's bits through every entry."""
    used = set(churn.thresholds)
    assert used & {6, 7, 8}
    parity = certify(Library(built(churn, tmp_path, tuning)), churn, drawn(np.random.default_rng(1), 50))
    assert parity.rows["training"] == 50
    assert parity.rows["random"] == 2_000


@given(st.tuples(*(st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.floats(width=32)) for _ in range(6))))
def test_any_row_of_python_s_values(library: Library, churn: CompilableModel, row: tuple[Any, ...]) -> None:
    """None is missing, True is 1, and integers and floats are rounded to float32: as one row and in a batch."""
    inputs = np.array([[np.nan if value is None else value for value in row]], np.float32)
    expected = BoosterOracle(churn).answer(derive_rows(CONTRACT, inputs))
    label, values, members, inside, _ = library.predict(row)
    assert np.array(library.margins, np.float32).tobytes() == expected.margins.tobytes()
    assert list(values) == ["stays", "leaves"]
    assert values["stays"] == np.float32(1) - np.float32(values["leaves"])
    assert (label, members, inside) == (expected.labels[0], [], False)
    assert library.predict_rows(inputs.tobytes() * 20, 0, 20).margins == expected.margins.tobytes() * 20


def test_random_rows_are_what_clients_may_send(churn: CompilableModel) -> None:
    """Random rows keep the bounds and kinds of the inputs, try all categories, and miss what may be missing."""
    rows = np.concatenate(list(random_inputs(churn)))
    for column, each in zip(rows.T, CONTRACT.inputs, strict=True):
        values = column[~np.isnan(column)]
        low, high = each.bounds
        assert ((values >= low) & (values <= high)).all()
        assert bool(np.isnan(column).any()) == each.missing
        if each.kind != "number":
            assert (values == np.floor(values)).all()
        if each.kind in ("boolean", "category"):
            assert set(values.tolist()) == set(range(int(high) + 1))
        assert len(np.unique(values)) > 1


def test_the_golden_row_is_of_examples(churn: CompilableModel) -> None:
    """The golden row has the examples, and where there is none a value that clients may send, between thresholds."""
    row = golden(churn).measurements
    assert (row[0], row[3]) == (40.0, 1.0)
    assert row[2] == 0.0
    assert row[4] == np.floor(row[4])
    for value, each in zip(row, CONTRACT.inputs, strict=True):
        assert each.kind in ("boolean", "category") or each.holds(value)


def test_a_row_of_another_length_is_an_error(library: Library) -> None:
    """A row that is too short or too long, or holds text, is an error."""
    for row, error in (((1.0,) * 5, IndexError), ((1.0,) * 7, IndexError), ((1.0,) * 5 + ("x",), TypeError)):
        with pytest.raises(error):
            library.predict(row)  # type: ignore[arg-type]  # as a mistake would


def of_many_classes(path: Path, classes: int) -> CompilableModel:
    data = RANDOM.random((ROWS, 3)).astype(np.float32)
    parameters = {"objective": "multi:softprob", "num_class": classes, "max_depth": 2}
    return read_model(saved(path, parameters, 2, data=data, label=np.arange(ROWS) % classes))


@pytest.mark.usefixtures("few_probes")
@pytest.mark.parametrize("classes", [2, 33, 40])
def test_sets_of_many_classes(tmp_path: Path, classes: int) -> None:
    """A prediction set has any number of classes, by name and as bytes, and distances have as many Gaussians."""
    model = of_many_classes(tmp_path / "model.ubj", classes)
    names = model.contract.output.classes
    thresholds = {name: float(np.float32((i % 3) * 0.6 / classes)) for i, name in enumerate(names)}
    gaussians = {name: Gaussian((i / classes, 0.5), ((2.0,), (0.25, 1.5))) for i, name in enumerate(names)}
    uncertainty = Uncertainty(
        model_sha256=Digest.of(model.data).sha256,
        level=0.9,
        evidence=Evidence("none"),
        set_thresholds=thresholds,
        gaussians=gaussians,
        distance_limit=0.75,
        inputs=("feature_2", "feature_0"),
    )
    judged = msgspec.structs.replace(model, uncertainty=uncertainty)
    library = Library(built(judged, tmp_path / "c", WALK), names)
    assert certify(library, judged, None).judged >= 2_000
    _, values, members, inside, distance = library.predict((0.5, 0.5, 0.5))
    assert members == [name for name, share in values.items() if share >= thresholds[name]]
    assert len(members) >= classes // 3
    assert library.predict((0.5, 0.5, 0.5))[2] is not members
    assert inside == (distance <= 0.75)


def test_nobody_sees_another_s_list(library: Library) -> None:
    """Every answer has a list and a dict of its own."""
    row = (40, 1.0, True, 1, 2, 0.5)
    first, second = library.predict(row), library.predict(row)
    assert first[1] is not second[1]
    assert first[2] is not second[2]


@pytest.mark.usefixtures("few_probes")
def test_a_value_that_means_missing_before_features_are_derived(churn: CompilableModel, tmp_path: Path) -> None:
    """The value that means missing is NaN before ratios and projections are computed from it."""
    model = msgspec.structs.replace(churn, missing=-999.0)
    library = Library(built(model, tmp_path, WALK), CONTRACT.output.values)
    certify(library, model, None)
    marked, absent, other = (library.predict((40, value, True, 1, 2, 0.5))[1] for value in (-999.0, None, 90_000.0))
    assert marked == absent
    assert marked != other
