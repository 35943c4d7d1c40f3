"""Training: one pure step, a whole run as one compiled loop, and sweeps of runs in one program.

A :class:`Lane` holds the traced settings of a run: its seed, rates, rows and further hyper-parameters.
:class:`Sweep` trains many lanes at once, compiled once, each with its own early stopping; a lane whose
numbers stop being finite ends with the number of the step and disturbs no other. Nothing here knows Flax,
losses or files.
"""

from mlj.training.lane import Lane as Lane
from mlj.training.lane import LaneResult as LaneResult
from mlj.training.lane import Plan as Plan
from mlj.training.lane import Problem as Problem
from mlj.training.optimizers import OPTIMIZERS as OPTIMIZERS
from mlj.training.optimizers import Optimizer as Optimizer
from mlj.training.optimizers import make_optimizer as make_optimizer
from mlj.training.step import Batch as Batch
from mlj.training.step import TrainState as TrainState
from mlj.training.step import start as start
from mlj.training.step import step as step
from mlj.training.sweep import Sweep as Sweep
from mlj.training.sweep import predict_lanes as predict_lanes
from mlj.training.sweep import stack_lanes as stack_lanes
from mlj.training.sweep import use_cores as use_cores
