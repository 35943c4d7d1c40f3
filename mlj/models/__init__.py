"""Models: ``flax.nnx`` modules that end in logits, used as pure functions.

Every model is called as ``model(features, *, key=None)``; a key switches dropout on. :func:`as_function` is
the seam to the rest of the library, which sees ``apply_fn(params, features, *, key=None) -> logits`` and a
plain tree of arrays, and never Flax:

>>> import jax, jax.numpy as jnp
>>> from flax import nnx
>>> model = MLP(4, 3, hidden=(8,), rngs=nnx.Rngs(0))
>>> apply_fn, params = as_function(model)
>>> apply_fn(params, jnp.ones((2, 4))).shape
(2, 3)
>>> sorted(params)
['head', 'trunk']

Features are a dense ``[B, D]`` array or :class:`SparseRows`, which enter by gather and sum and are never made
dense; models of texts read token numbers ``[B, T]``. Every module here starts its head at the logit of the
label prior when it is given ``output_bias``.
"""

from types import MappingProxyType

from mlj.models.attention import Memory as Memory, MultiHeadAttention as MultiHeadAttention
from mlj.models.bag_of_ngrams import BagOfNgrams as BagOfNgrams, BagTrunk as BagTrunk
from mlj.models.chain import Chain as Chain
from mlj.models.conv import ConvNet as ConvNet, ConvTrunk as ConvTrunk
from mlj.models.factorised import Factorised as Factorised
from mlj.models.function import as_function as as_function, function_and_init as function_and_init
from mlj.models.headed import Headed as Headed
from mlj.models.ising import Ising as Ising
from mlj.models.kim_cnn import KimCNN as KimCNN, KimTrunk as KimTrunk
from mlj.models.label_attention import LabelAttention as LabelAttention
from mlj.models.label_correlation import LabelCorrelation as LabelCorrelation
from mlj.models.label_graph import LabelGraph as LabelGraph
from mlj.models.label_sequence import SequenceGRU as SequenceGRU, SequenceTransformer as SequenceTransformer
from mlj.models.linear import Linear as Linear
from mlj.models.mlp import MLP as MLP
from mlj.models.multi_output import MultiOutput as MultiOutput, class_mask as class_mask
from mlj.models.powerset import Powerset as Powerset
from mlj.models.rakel import Rakel as Rakel
from mlj.models.sized_subset import SizedSubset as SizedSubset
from mlj.models.sparse import SparseRows as SparseRows, sparse_matmul as sparse_matmul
from mlj.models.trunk import Trunk as Trunk
from mlj.models.xml_cnn import XmlCNN as XmlCNN, XmlTrunk as XmlTrunk

MODELS = MappingProxyType(
    {
        "linear": Linear,
        "mlp": MLP,
        "conv": ConvNet,
        "kim_cnn": KimCNN,
        "xml_cnn": XmlCNN,
        "label_attention": LabelAttention,
        "bag_of_ngrams": BagOfNgrams,
    }
)
"""The models by name."""

TRUNKS = MappingProxyType(
    {"mlp": Trunk, "conv": ConvTrunk, "kim_cnn": KimTrunk, "xml_cnn": XmlTrunk, "bag_of_ngrams": BagTrunk}
)
"""What joint models stand on, by the name of the model that has the same layers under its head."""

INPUTS = MappingProxyType(
    {
        "linear": "features",
        "mlp": "features",
        "conv": "features",
        "kim_cnn": "tokens",
        "xml_cnn": "tokens",
        "label_attention": "tokens",
        "bag_of_ngrams": "ngrams",
    }
)
"""What each model reads: features, token numbers, or token numbers with those of hashed n-grams. The first
size that a model takes is the number of features, or of such numbers."""
