"""What was found, in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from faults.asking import Asked
from faults.damage import HARMS, Harmed
from faults.hardship import HARDSHIPS, Endured
from faults.kills import Killed, Undisturbed
from faults.load import Loaded
from faults.room import Hindered
from faults.sameness import Compared

MOST = 3 << 29
"""Bytes of memory, 1.5 GiB, that predictions may take."""


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    cells = [[str(cell).replace("|", r"\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells)])


def kills_text(found: Sequence[Killed], whole: Undisturbed) -> str:
    """Tell of the runs that were killed."""
    saves = sum(message[0] == "saved" for _, message in whole.messages)
    inside = [one for one in found if " save " in one.where]
    rows = [
        (number, one.where, "none" if one.step is None else one.step, "yes" if one.same else "no")
        for number, one in enumerate(found, start=1)
    ]
    return f"""{sum(one.same for one in found)} of {len(found)} runs that were killed with SIGKILL and
then called again left the bits of the run that was not: parameters, running average, optimizer state,
key, step and facts in the newest checkpoint, the files of the model, the evaluation, and the log but for
its seconds. {len(inside)} of the kills came inside a save.

The undisturbed run made {saves} saves in {whole.seconds:.1f} s. For a kill inside a save, a save and a
call of the system in it were drawn (opening, half a write, fsync, rename, removal; one draw in five takes
the save of the model); the process waits at that call and is killed there by another one. The other kills
come at a moment drawn from the whole time up to the save of the model. Each run was killed once. The
processes are forked from one that has imported the library, so nobody was killed while importing, and
take compiled programs from JAX's cache; the undisturbed run was done both with and without that cache,
with the same bits.

{table(["kill", "where", "newest checkpoint after it", "same bits in the end"], rows)}"""


def signals_text(found: Sequence[Asked]) -> str:
    """Tell of the runs that got a signal."""
    right = sum(one.same and one.status == one.wanted for one in found)
    seconds = [one.seconds for one in found]
    rows = [
        (
            *(one.signal, one.where, f"{one.seconds:.2f}", one.status),
            *("none" if one.step is None else one.step, "yes" if one.same else "no"),
        )
        for one in found
    ]
    return f"""{right} of {len(found)} runs that got SIGTERM or SIGINT while they were trained saved,
ended with 143 or 130 (128 and the number of the signal), and left the bits of the undisturbed run after
they were called again. From the signal to the end of the process: median {median(seconds):.2f} s, at most
{max(seconds):.2f} s; the goal is 5 s on a quiet machine. A run that compiles sees the signal when it has
compiled and taken its first steps.

Signals are noted from the moment when the data are read until the model is in place. One that comes after
the last step is too late to stop anything and the run ends with 0; one that comes earlier or in the
report ends the process as usual, and the next call goes on.

{table(["signal", "where", "seconds", "exit status", "checkpoint", "same bits in the end"], rows)}"""


class Damages(NamedTuple):
    """All that was found about damage."""

    flips: dict[str, dict[str, int]]
    harmed: list[Harmed]
    settings: dict[str, int]
    payload: dict[str, dict[str, int]]
    hindered: list[Hindered]

    @property
    def broken(self) -> int:
        """How often something wrong was taken for right, or a run could not go on."""
        return (
            sum(file["wrong"] for file in self.flips.values())
            + sum(one.outcome == "other bits" for one in self.harmed)
            + self.settings["other bits"]
            + self.payload["mlj"]["silently wrong"]
            + sum(not one.same or one.damaged > 0 or one.status != 2 for one in self.hindered)
        )


def damage_text(found: Damages) -> str:
    """Tell of flipped bits, harmed files, full disks and second processes."""
    flips = [(name, *counts.values()) for name, counts in found.flips.items()]
    total, noticed, _ = (sum(column) for column in zip(*(counts.values() for counts in found.flips.values())))
    files = sorted({one.file for one in found.harmed})
    outcome = {(one.file, one.harm): one.outcome for one in found.harmed}
    harmed = [(f"`{file}`", *(outcome[file, harm] for harm in HARMS)) for file in files]
    payload = [(name, *counts.values()) for name, counts in found.payload.items()]
    hindered = [
        (one.what, one.status, f"`{one.said}`", one.saved, one.damaged, "yes" if one.same else "no")
        for one in found.hindered
    ]
    settings = ", ".join(f"{count} {name}" for name, count in found.settings.items())
    hindrances = table(
        ["what", "exit status", "the last line", "whole checkpoints", "damaged", "same bits in the end"],
        hindered,
    )
    return f"""**Flipped bits.** One bit of the newest checkpoint at a time, restored as by a run that
goes on: {noticed} of {total} led to the checkpoint before it, bit for bit, with a reason that names the
file.

{table(["file", "flips", "noticed", "wrong"], flips)}

**Harmed files.** Every file of a finished run and of its newest checkpoint, harmed in every way; then the
run is gone on with. "Refused" is an error that says what is wrong; "same bits" is the result of the
undisturbed run, made again from what was whole; lost lines of a log come back without their seconds.

{table(["file", *HARMS], harmed)}

**Changed settings.** One flipped bit of `config.json` at a time, and the run gone on with by the settings
that stand there: {settings}. Every checkpoint carries the sha256 of the settings and data that it came
from.

**Beside orbax.** The largest file of a checkpoint of random numbers, one flipped bit at a time.

{table(["library", "refused", "same bits", "silently wrong"], payload)}

**No room, no right, no place.** The disk is a small file system of its own, which is full in the middle
of a save; files that cannot grow are cut in the middle of the arrays. Each run was then called again
without the hindrance.

{hindrances}"""


def numerics_text(found: Sequence[Endured]) -> str:
    """Tell of the runs on hard numbers."""
    broken = [one for one in found if one.outcome not in ("finite", "stopped")]
    outcome = {(one.contender, one.hardship): one for one in found}
    contenders = list(dict.fromkeys(one.contender for one in found))
    rows = []
    for contender in contenders:
        row = [outcome[contender, hardship] for hardship in HARDSHIPS]
        rows.append((f"`{contender}`", *(one.outcome + ("*" if _late(one) else "") for one in row)))
    said = list(dict.fromkeys(one.said for one in found if one.outcome == "stopped"))
    return f"""{len(found) - len(broken)} of {len(found)} runs ended with a model whose parameters, scores
and probabilities are all finite, or stopped and said why; {len(broken)} did something else. No model that
was saved, and no checkpoint, held a number that is not finite. A star marks runs that stopped early and
kept their best pass.

{table(["trained", *HARDSHIPS.values()], rows)}

What those that stopped said, each text once (the step differs):

""" + "\n".join(f"- {text}" for text in _once(said))


def _late(one: Endured) -> bool:
    return one.outcome == "finite" and bool(one.said)


def _once(said: Sequence[str]) -> list[str]:
    """Return the texts that differ in more than their numbers."""
    kept: dict[str, str] = {}
    for text in said:
        kept.setdefault("".join(letter for letter in text if not letter.isdigit()), text)
    return list(kept.values())


def sameness_text(found: Sequence[Compared]) -> str:
    """Tell which runs gave the same bits."""
    promised = [one for one in found if one.promised]
    rows = [
        (one.what, "yes" if one.promised else "no", "yes" if one.same else "no", f"{one.apart:.2g}")
        for one in found
    ]
    return f"""The same bits are promised for the same settings, data and versions on the same machine,
however often the run was stopped: {sum(one.same for one in promised)} of {len(promised)} comparisons kept
that. For another number of cores, another size of a block and another width of a vmapped sweep nothing is
promised; what was found stands in the table. A run uses the first device only, so that more of them
change nothing.

{table(["compared with the plain run", "promised", "same bits", "largest difference"], rows)}"""


def load_text(found: Sequence[Loaded]) -> str:
    """Tell of memory and speed."""
    rows = [
        (
            *(one.what, f"{one.rows:,}", f"{one.features:,}", f"{one.labels:,}", _gib(one.on_disk)),
            *(_gib(one.measured.peak), _gib(one.measured.own), f"{one.measured.seconds:.0f}"),
            f"{one.rows / one.measured.seconds:,.0f}",
        )
        for one in found
    ]
    names = ["job", "rows", "features", "labels", "GiB on disk", "GiB at most", "its own", "seconds"]
    peak = max(one.measured.peak for one in found if one.what == "predict")
    return f"""`mlj predict` on a float32 `.npy` file, five labels a row as JSON lines, took {_gib(peak)}
GiB of memory at the most; the goal is at most 1.5. `mlj train` for one pass on a packed data set, of
which a fifth (at most 20,000 rows) is held out; `mlj pack` on a table of numbers. Memory is the peak of the
process with the pages of files that it maps (`VmHWM`: libraries are such, data are not, as they are read
plainly); of that its own (`RssAnon`), seen every 20 ms. Seconds are those of the whole process, imports and
compilation with it.
{_growth(found)}

{table([*names, "rows a second"], rows)}"""


def _growth(found: Sequence[Loaded]) -> str:
    """Tell how the memory of training grows, where two data sets differ in their rows alone."""
    trained = [one for one in found if one.what.startswith("train")]
    for one in trained:
        for other in trained:
            if (one.features, one.labels) == (other.features, other.labels) and one.rows < other.rows:
                more = (other.measured.own - one.measured.own) / (other.rows - one.rows)
                return (
                    f"From {one.rows:,} to {other.rows:,} rows the memory of training grew by {more:.0f} "
                    "bytes a row: row numbers, the labels that are present, and how many labelsets there are."
                )
    return ""


def _gib(size: float) -> str:
    return f"{size / 2**30:.2f}"
