r"""Multi-label data: reading it, checking it, describing it, splitting it.

Everything here is NumPy and SciPy; no accelerator is touched. A :class:`Dataset` is one immutable value:
features (dense or CSR), labels (multi-hot or padded index lists, either from the other), which labels were
observed (``where``), names, and the official split if there is one.

>>> data = load("yeast")
>>> data
Dataset('yeast': 2417 samples, 103 features, 14 labels)
>>> data.part("test").labels.shape
(917, 14)
>>> facts = data.describe()
>>> round(facts["cardinality"], 3), round(facts["density"], 3), facts["distinct_labelsets"]
(4.237, 0.303, 198)

:func:`load` takes a file of any format and picks the reader; each reader can also be called by its own name.
All of them see through gzip, bzip2 and xz, and none guesses: a file that is not what its format says raises a
:class:`DataError` with the file, the line and the reason.

>>> import pathlib, tempfile
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> _ = (folder / "birds.csv").write_text("weight,wings,flies,swims\n0.1,2,1,0\n5,two,0,1\n")
>>> try:
...     load(folder / "birds.csv", labels="last:2")
... except DataError as error:
...     print(error.line, error.reason)
3 column 'wings' is 'two', which is not a number; leave the column out with ignore, or read it as text
(ignore='wings' or text='wings')

A label that nobody looked at is not an absent label: a missing cell, a ``?`` or a -1 makes it unobserved, and
what stands there is never read.

>>> _ = (folder / "tests.csv").write_text("dose,toxic,irritant\n1,1,0\n2,,1\n")
>>> load(folder / "tests.csv", labels="last:2").where.tolist()
[[True, True], [False, True]]

To learn from data that has no official split, give it one, stratified over all labels at once:

>>> ready = train_validation_test_split(load("digits", num_samples=200), seed=0)
>>> [ready.part(part).num_samples for part in ("train", "validation", "test")]
[120, 30, 50]
"""

from mlj.data.arrays import read_npz as read_npz
from mlj.data.batches import Batch as Batch, batch_options as batch_options, read_batches as read_batches
from mlj.data.combine import concatenate as concatenate
from mlj.data.dataset import PARTS as PARTS, Dataset as Dataset
from mlj.data.digit_positions import digit_positions as digit_positions
from mlj.data.digits import digits as digits
from mlj.data.disk import DiskDataset as DiskDataset, is_disk as is_disk, write_disk as write_disk
from mlj.data.errors import DataError as DataError
from mlj.data.fasttext import read_fasttext as read_fasttext
from mlj.data.goemotions import read_goemotions as read_goemotions
from mlj.data.hierarchy import Hierarchy as Hierarchy
from mlj.data.hmc import Hierarchical as Hierarchical, read_hmc_arff as read_hmc_arff
from mlj.data.index_text import read_libsvm as read_libsvm, read_xc as read_xc
from mlj.data.load import BUILT_IN as BUILT_IN, FORMATS as FORMATS, load as load
from mlj.data.meka import read_meka_arff as read_meka_arff
from mlj.data.missing import fill_missing as fill_missing
from mlj.data.mulan import (
    labels_beside as labels_beside,
    read_arff as read_arff,
    read_mulan_arff as read_mulan_arff,
)
from mlj.data.openml import openml as openml
from mlj.data.pieces import read_pieces as read_pieces
from mlj.data.predictions import PredictionWriter as PredictionWriter
from mlj.data.reuters import read_reuters as read_reuters
from mlj.data.sequences import SequenceTargets as SequenceTargets, sequence_targets as sequence_targets
from mlj.data.splits import (
    iterative_stratified_split as iterative_stratified_split,
    k_folds as k_folds,
    train_validation_test_split as train_validation_test_split,
)
from mlj.data.streamed import (
    streamed_label_counts as streamed_label_counts,
    streamed_scaling as streamed_scaling,
)
from mlj.data.table import read_csv as read_csv
from mlj.data.table_texts import read_csv_texts as read_csv_texts
from mlj.data.text import (
    TextFeatures as TextFeatures,
    TfidfBlock as TfidfBlock,
    hashed_ngrams as hashed_ngrams,
)
from mlj.data.text_batches import (
    TEXT_BATCH_FORMATS as TEXT_BATCH_FORMATS,
    TEXT_FOLDERS as TEXT_FOLDERS,
    read_text_batches as read_text_batches,
    text_batch_format as text_batch_format,
    text_batch_options as text_batch_options,
)
from mlj.data.text_dataset import TextDataset as TextDataset
from mlj.data.tokens import TokenOptions as TokenOptions, Vocabulary as Vocabulary, ngram_ids as ngram_ids
from mlj.data.trainable import check_trainable as check_trainable
from mlj.data.yeast import yeast as yeast
