"""The same training as :mod:`mlj.runs`, as an estimator of scikit-learn.

It stands in pipelines, grid searches and cross-validations, takes dense or sparse features, and keeps the
decision that was chosen on validation rows beside the model.
"""

from mlj.sklearn.estimator import MultiLabelClassifier as MultiLabelClassifier
