"""The cards in a bundle: those that lie beside a model, or one that says what is known; each as HTML, too."""

from pathlib import Path

import msgspec

from cards.front_matter import MODEL_KEY, model_of
from cards.html import html_of
from cards.model_card import Known, model_card
from cards.story import UNKNOWN
from compile.beside import Beside
from compile.reading.booster import CompilableModel
from contract.manifest import CARD_FILES, DATA_CARD_FILE, MODEL_CARD_FILE, TRAINING_FILE, Digest, html_file
from contract.refusal import Refusal
from contract.training import HOLDOUT_FILE, HoldOut, TrainingSummary

MAX_CARD_BYTES = 1 << 20


def with_cards(known: Beside, path: Path, model: CompilableModel) -> Beside:
    """Return what is known about the model at `path`, with its cards among the files. Raises Refusal.

    A model card beside it is used if its front matter names this model, and then a data card, too. Else a card is made
    of what is known, and there is no data card.
    """
    sha256 = Digest.of(model.data).sha256
    cards, notices = {name: _read(path.with_name(name)) for name in CARD_FILES}, list(known.notices)
    found = cards[MODEL_CARD_FILE]
    described = found and model_of(found)
    if found is None or described != sha256:
        if found is not None:
            expected = f'{MODEL_KEY}: "{sha256}"'
            notices.append(f"{path.with_name(MODEL_CARD_FILE)} is left aside: expected {expected} in its front matter")
        cards = {
            MODEL_CARD_FILE: model_card(model.contract, UNKNOWN, _known(known, model, sha256)),
            DATA_CARD_FILE: None,
        }
    files = {name: card.encode() for name, card in cards.items() if card is not None}
    files |= {html_file(name): html_of(card).encode() for name, card in cards.items() if card is not None}
    return known._replace(files={**known.files, **files}, notices=tuple(notices))


def _known(known: Beside, model: CompilableModel, sha256: str) -> Known:
    training, holdout = known.files.get(TRAINING_FILE), known.files.get(HOLDOUT_FILE)
    return Known(
        sha256,
        model.trees,
        msgspec.json.decode(training, type=TrainingSummary) if training else None,
        msgspec.json.decode(holdout, type=HoldOut) if holdout else None,
        known.uncertainty,
    )


def _read(path: Path) -> str | None:
    """Return the text of a card, or None if there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CARD_BYTES + 1)
        if len(data) > MAX_CARD_BYTES:
            raise Refusal(f"{path}: expected at most {MAX_CARD_BYTES:,} bytes, found more; shorten it, or remove it")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}; fix that or remove the file") from error
    except UnicodeDecodeError as error:
        raise Refusal(f"{path}: expected UTF-8 ({error}); save it as UTF-8, or remove it") from error
