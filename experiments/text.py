"""How far do texts get without pretrained weights: n-grams weighed by TF-IDF, and networks over tokens?

Command: ``python experiments/text.py --data-dir $DATA``. Cost and result, all seeds: ``text.md``,
written beside this file.

Every choice, thresholds and passes with them, is made on validation rows: the official part for GoEmotions,
held-out fifths of the training part for the others. The test parts are scored once, but for that of Reuters,
which is not untouched: it had been scored with another recipe before that was changed to the squared hinge.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sources import data_folder, is_there
from units import Units

from mlj._checks import lookup

HERE = Path(__file__).with_suffix(".md")
FOLDERS = {"goemotions": "goemotions", "cooking": "cooking_stackexchange", "reuters": "reuters21578"}
"""Where each data set is in the folder of them all."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is compared."""

    data_dir: Path | None = None
    """Holds the folders ``goemotions``, ``cooking_stackexchange`` and ``reuters21578``; the environment's
    MLJ_DATA_DIR if None."""
    data: tuple[str, ...] = ("goemotions", "cooking", "reuters")
    """Which data sets."""
    seeds: int = 5
    """Seeds of the models of TF-IDF features."""
    network_seeds: int = 1
    """Seeds of the models that read tokens; 0 leaves them out."""
    max_rows: int | None = None
    """Only so many training, validation and test rows each."""
    max_epochs: int | None = None
    """Fewer passes than a recipe says."""
    work: Path | None = Path("runs/experiments/text")
    """Where finished units are kept; nowhere if None."""
    out: Path | None = HERE
    """Where the tables go; nowhere if None."""


def run(config: Config) -> dict[str, dict[str, dict]]:
    """Return for every data set and contender its metrics on the test part, for each seed.

    Raises:
        ValueError: If a data set is none of these, or there is no seed.
    """
    from mlj.training import use_cores

    use_cores()
    from texts.judging import compared, contenders_of
    from texts.table import page

    if config.seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {config.seeds}")
    for name in config.data:
        lookup("data set", name, FOLDERS)
    folder = data_folder(config.data_dir)
    names = [name for name in config.data if is_there(folder, FOLDERS[name])]
    if not names:
        return {}
    units = Units(config.work, sum(len(contenders_of(name, config)) for name in names))
    found = {name: compared(name, folder, config, units) for name in names}
    text = page(found, config.max_rows, config.max_epochs)
    print(text)
    if config.out is not None:
        config.out.write_text(text, encoding="utf-8")
    return found


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
