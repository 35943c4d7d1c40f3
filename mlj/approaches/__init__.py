"""Approaches: a model, its loss and its decoders as pure functions, ready to be trained.

A loss on one row of outputs is the simplest; models in which labels depend on each other bring a loss and
decoders of their own. All are trained by :mod:`mlj.training` and compared by :mod:`mlj.comparison`.
"""

from mlj.approaches.approach import (
    Approach as Approach,
    Decoder as Decoder,
    Options as Options,
    Task as Task,
)
from mlj.approaches.coherent import COHERENT_LINK as COHERENT_LINK
from mlj.approaches.losses import SHARED_MASS as SHARED_MASS, LossApproach as LossApproach
from mlj.approaches.priors import label_prior as label_prior, prior_logits as prior_logits
from mlj.approaches.table import (
    APPROACHES as APPROACHES,
    JOINT_APPROACHES as JOINT_APPROACHES,
    LOSS_APPROACHES as LOSS_APPROACHES,
    Contender as Contender,
    get_approach as get_approach,
)
