"""Which loss, output and decision rule suit a data set: a comparison on one stated protocol.

:func:`compare` trains every contender with the same grid of learning rates and the same budget, makes every
choice on validation rows, and scores the test part once. :func:`summarise` turns what it found into
one JSON-ready dictionary, which the report is drawn from.
"""

from mlj.comparison.config import CompareConfig as CompareConfig
from mlj.comparison.contenders import choose_contenders as choose_contenders
from mlj.comparison.results import read_results as read_results, write_results as write_results
from mlj.comparison.run import Event as Event, Outcome as Outcome, compare as compare
from mlj.comparison.saved import (
    SavedModel as SavedModel,
    load_chosen as load_chosen,
    save_chosen as save_chosen,
)
from mlj.comparison.summary import summarise as summarise
