"""The cards in a bundle: those beside a model, or one that is made of what is known."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cards.front_matter import front_matter, model_of, parted
from cards.html import html_of
from compile.beside import Beside
from compile.cards import MAX_CARD_BYTES, with_cards
from compile.reading.booster import CompilableModel
from contract.manifest import CARD_FILES, DATA_CARD_FILE, MODEL_CARD_FILE, Digest, encode, html_file
from contract.refusal import Refusal
from contract.training import HOLDOUT_FILE, HoldOut
from score.bundle import Bundle
from tests.support.apples import KINDS, Compiled


def test_the_trained_cards_are_in_the_bundle(artifacts: Path, bundle_path: Path, bundle: Bundle) -> None:
    """What training wrote is there byte by byte, and the same as HTML; the manifest, which is signed, has digests."""
    for name in CARD_FILES:
        card = (artifacts / name).read_bytes()
        page = html_of(card.decode()).encode()
        assert (bundle_path / name).read_bytes() == card
        assert (bundle_path / html_file(name)).read_bytes() == page
        assert bundle.manifest.files[name] == Digest.of(card)
        assert (bundle.cards[name], bundle.cards[html_file(name)]) == (card, page)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_a_card_gets_one(apples: Callable[[str], Compiled], kind: str) -> None:
    """It has the contract, the model's digest and what answers are judged by, and says plainly what is unknown."""
    apple = apples(kind)
    cards = apple.load().cards
    assert set(cards) == {MODEL_CARD_FILE, html_file(MODEL_CARD_FILE)}
    card = cards[MODEL_CARD_FILE].decode()
    metadata = yaml.safe_load(parted(card)[0])
    task = "regression" if kind in ("number", "numbers") else "classification"
    assert metadata["pipeline_tag"] == f"tabular-{task}"
    assert not {"license", "datasets", "metrics", "model-index"} & set(metadata)
    assert model_of(card) == Digest.of(apple.model.read_bytes()).sha256
    assert "nothing is known of the rows that it was trained on" in card
    assert "No figures are known" in card
    assert "Its owner did not say" in card
    assert "None" not in card
    assert "| `weight` | number | g | 20 to 600 | 60 to 300 | 2.5 |" in card
    assert "Boskoop, Elstar, Crab \\& wild" in card
    assert "Crab &amp; wild" in cards[html_file(MODEL_CARD_FILE)].decode()
    assert ("A prediction set lists" in card) == (kind in ("classes", "binary"))
    assert ("An interval holds" in card) == (kind in ("number", "numbers"))


def test_held_out_figures_are_in_it(model: CompilableModel, tmp_path: Path) -> None:
    """Figures of rows that the owner held out are in the text and in the model index."""
    sha256 = Digest.of(model.data).sha256
    found = HoldOut("0" * 64, "species", 57, sha256, {"accuracy": 0.982456, "log_loss": 0.0512, "pinball_loss_0.1": 2})
    known = with_cards(Beside(files={HOLDOUT_FILE: encode(found)}), tmp_path / "model.json", model)
    card = known.files[MODEL_CARD_FILE].decode()
    assert "On 57 rows" in card
    assert "| Accuracy | 0.9825 |" in card
    metadata = yaml.safe_load(parted(card)[0])
    assert metadata["metrics"] == ["accuracy", "log_loss", "pinball_loss_0.1"]
    (result,) = metadata["model-index"][0]["results"]
    assert result["dataset"] == {"type": "held-out rows", "name": "held-out rows", "split": "test"}
    assert [each["value"] for each in result["metrics"]] == [0.98246, 0.0512, 2]


def test_an_owner_s_own_card_is_used(model: CompilableModel, tmp_path: Path) -> None:
    """A card whose front matter names the model goes into the bundle as it is, and a data card with it."""
    mine = front_matter({"license": "mit", "model_sha256": Digest.of(model.data).sha256}) + "# Mine\n"
    (tmp_path / MODEL_CARD_FILE).write_text(mine)
    (tmp_path / DATA_CARD_FILE).write_text("# My data\n")
    known = with_cards(Beside(), tmp_path / "model.json", model)
    assert known.notices == ()
    assert known.files[MODEL_CARD_FILE].decode() == mine
    assert known.files[html_file(MODEL_CARD_FILE)] == b"<h1>Mine</h1>\n"
    assert known.files[html_file(DATA_CARD_FILE)] == b"<h1>My data</h1>\n"


@pytest.mark.parametrize("matter", ["", "---\nlicense: mit\n---\n", f"---\nmodel_sha256: {'0' * 64}\n---\n"])
def test_a_card_of_another_model_is_left_aside(
    model: CompilableModel, tmp_path: Path, artifacts: Path, matter: str
) -> None:
    """It is named in a note, with what was expected; its data card does not come either."""
    (tmp_path / MODEL_CARD_FILE).write_text(matter + "# Another\n")
    shutil.copy(artifacts / DATA_CARD_FILE, tmp_path)
    known = with_cards(Beside(), tmp_path / "model.json", model)
    (note,) = known.notices
    assert f'{MODEL_CARD_FILE} is left aside: expected model_sha256: "{Digest.of(model.data).sha256}"' in note
    assert "Another" not in known.files[MODEL_CARD_FILE].decode()
    assert DATA_CARD_FILE not in known.files


@pytest.mark.parametrize("name", CARD_FILES)
@pytest.mark.parametrize(
    ("data", "why"), [(b"x" * (MAX_CARD_BYTES + 1), "at most 1,048,576 bytes"), (b"# \xff", "expected UTF-8")]
)
def test_what_is_no_card_is_refused(model: CompilableModel, tmp_path: Path, name: str, data: bytes, why: str) -> None:
    """A file that is too large or not UTF-8 is refused by its name."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Refusal, match=f"{name}: .*{why}"):
        with_cards(Beside(), tmp_path / "model.json", model)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(Refusal, match="cannot read"):
        with_cards(Beside(), tmp_path / "model.json", model)
