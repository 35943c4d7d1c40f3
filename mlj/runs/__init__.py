"""One model for real: trained for as long as it takes, stopped and gone on with, evaluated, used, exported.

:func:`train` fits one approach and its decision and keeps both in a folder; what is there after a kill is
whole, and the run that goes on gives the bits of one that was never stopped.
"""

from mlj.runs.config import TrainConfig as TrainConfig, read_config as read_config
from mlj.runs.loop import (
    Facts as Facts,
    Progress as Progress,
    Stopped as Stopped,
    TrainingFailed as TrainingFailed,
)
from mlj.runs.train import Run as Run, finished as finished, train as train
