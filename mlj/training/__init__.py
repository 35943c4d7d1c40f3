"""Training: one pure step, a whole run as one compiled loop, and sweeps of runs in one program.

A :class:`Lane` holds the traced settings of a run: its seed, rates, rows and further hyper-parameters.
:class:`Sweep` trains many lanes at once, compiled once, each with its own early stopping; a lane whose
numbers stop being finite ends with the number of the step and disturbs no other. For a loop of one's own
there are :func:`step` and, compiled and in place, :func:`train_epoch`. Nothing here knows Flax, losses or
files.
"""

from mlj.training.epoch import (
    Epoch as Epoch,
    Stretch as Stretch,
    first_stretch as first_stretch,
    train_epoch as train_epoch,
    train_stretch as train_stretch,
)
from mlj.training.lane import Lane as Lane, LaneResult as LaneResult, Plan as Plan, Problem as Problem
from mlj.training.optimizers import (
    OPTIMIZERS as OPTIMIZERS,
    Optimizer as Optimizer,
    make_optimizer as make_optimizer,
)
from mlj.training.order import shuffled as shuffled
from mlj.training.step import (
    Batch as Batch,
    Params as Params,
    TrainState as TrainState,
    start as start,
    step as step,
)
from mlj.training.sweep import (
    Sweep as Sweep,
    own_cores as own_cores,
    predict_lanes as predict_lanes,
    predict_lanes_once as predict_lanes_once,
    stack_lanes as stack_lanes,
    use_cores as use_cores,
)
