import pytest

from app.metrics.families import series
from contract.metrics_page import Sample, parse_page
from contract.refusal import Refusal


def test_samples_are_read_in_order() -> None:
    """Comments and empty lines are skipped. Labels and the timestamp may be absent, and a value may be infinite."""
    page = '# HELP a b\na 1\n\nb{x="1",y="2"} +Inf 1700000000\nc{} 2.5\n'
    assert list(parse_page(page, "here")) == [
        Sample("a", {}, 1.0),
        Sample("b", {"x": "1", "y": "2"}, float("inf")),
        Sample("c", {}, 2.5),
    ]


@pytest.mark.parametrize("value", ["", '"', "\\", "\n", '\\n"}', "Ω, {}"])
def test_labels_come_back_as_the_service_writes_them(value: str) -> None:
    """The service escapes label values, and the parser takes the escapes away."""
    (sample,) = parse_page(f"{series('a', version=value)} 1", "here")
    assert sample.labels == {"version": value}


@pytest.mark.parametrize("line", ["<html>", "a", "a one", 'a{x="1} 1', "a 1 2 3"])
def test_what_is_no_sample_is_refused(line: str) -> None:
    """The refusal names the source and shows the line."""
    with pytest.raises(Refusal, match="here: not a page of metrics: "):
        list(parse_page(line, "here"))
