r"""Losses: pure functions of one sample, fused from logits to cost.

``loss(logits [..., L], labels [..., L], *, hyper..., weights=None, where=None) -> [...]``. A loss acts over
any leading axes and reduces the label axis alone. ``mean_over_samples`` makes the objective of a batch;
``LOSSES`` (of one sample), ``BATCH_LOSSES`` (of a whole batch) and ``LOSS_INFO`` (what each takes, means and
costs) list them all; ``mlj losses NAME`` explains one.

>>> import jax, jax.numpy as jnp
>>> logits, labels = jnp.array([[4.0, -2.0, 0.5]]), jnp.array([[1, 0, 0]])
>>> zlpr(logits, labels).shape
(1,)
>>> gradient = jax.grad(mean_over_samples(zlpr))(logits, labels)
>>> gradient.shape
(1, 3)

Which loss? Measured evidence is from the README and ``experiments``; where it says "theory" or "published",
nothing was measured here.

===================================  =======================================  ==============================
a question                           a loss                                   evidence
===================================  =======================================  ==============================
Where do I start?                    sigmoid_cross_entropy and one tuned      measured on four data sets: no
                                     threshold                                loss beats it reliably
I have no rows to tune a threshold.  asymmetric_focal, ``s > 0``              measured on yeast: micro-F1
                                                                              .675, cross-entropy .628
I need probabilities.                sigmoid_cross_entropy                    theory: strictly proper
Only the top k labels count.         pick_all_labels (precision at k),        theory: consistent (Menon et
                                     softmax_cross_entropy (recall at k)      al., NeurIPS 2019)
Present labels must come first.      lsep, n_pair, pairwise_logistic          measured on yeast: level with
                                                                              cross-entropy
How many labels does a sample have?  softmax_count_poisson,                   measured on yeast: top k of it
                                     softmax_product_mse                      loses .01 micro-F1 against one
                                                                              threshold
Exactly k of L are on (antennas).    conditional_bernoulli, k_subset          theory: the likelihood of sets
                                                                              of size k
I am judged by F1.                   sigmoid_cross_entropy, then an           measured on yeast: soft_f1 does
                                     F1-optimal decision                      worse than logistic regression
Some labels were not observed.       any loss, with ``where``                 law: masked equals deleted
Only present labels were marked.     weak_assume_negative, hill, splc,        published; biased by design,
                                     upper_bound_propensity_cross_entropy     compare on rows fully marked
Some labels are very rare.           logit_adjusted_sigmoid_cross_entropy,    published
                                     distribution_balanced
Labels depend on each other.         ising (up to 20 labels),                 theory: proper for whole
                                     ising_pseudo_likelihood                  labelsets, tested against the
                                                                              sum over all of them
Labels form a hierarchy.             hierarchy_max_constraint                 theory: coherent by its form
The model emits labels in turn.      label_sequence_cross_entropy,            published
                                     order_free_set_cross_entropy
Each question has several classes.   multi_output_cross_entropy               theory: strictly proper
Labels are lists, not rows of 0, 1.  any, through ``from_indices``            tested: equal to the
                                                                              multi-hot form
There are a million labels.          sampled_sigmoid_cross_entropy,           tested: draws average to the
                                     sampled_softmax_cross_entropy            full loss
My logits are in half precision.     any: all are upcast on entry             measured: accuracy.md
A peer's loss gives NaN.             the same loss here                       measured: accuracy.md
===================================  =======================================  ==============================
"""

from mlj.losses.batch import (
    AucMarginState as AucMarginState,
    CvarState as CvarState,
    DroState as DroState,
    RoleState as RoleState,
    SoapState as SoapState,
    auc_margin as auc_margin,
    auc_margin_prior as auc_margin_prior,
    auc_margin_saddle as auc_margin_saddle,
    auc_margin_state as auc_margin_state,
    average_precision_soap as average_precision_soap,
    cvar_state as cvar_state,
    dro_state as dro_state,
    expected_positive_regularized as expected_positive_regularized,
    large_loss_correction as large_loss_correction,
    large_loss_permanent as large_loss_permanent,
    large_loss_rejection as large_loss_rejection,
    macro_sigmoid_f1 as macro_sigmoid_f1,
    macro_soft_dice as macro_soft_dice,
    macro_soft_f1 as macro_soft_f1,
    macro_soft_jaccard as macro_soft_jaccard,
    macro_soft_tversky as macro_soft_tversky,
    micro_soft_f1 as micro_soft_f1,
    multilabel_supcon as multilabel_supcon,
    nnpu as nnpu,
    partial_auc_cvar as partial_auc_cvar,
    partial_auc_dro as partial_auc_dro,
    prototype_supcon as prototype_supcon,
    role as role,
    role_state as role_state,
    selective_asymmetric as selective_asymmetric,
    soap_state as soap_state,
    two_way as two_way,
)
from mlj.losses.binary import (
    asymmetric_focal as asymmetric_focal,
    asymmetric_focal_shifted as asymmetric_focal_shifted,
    asymmetric_focal_shifted_detached as asymmetric_focal_shifted_detached,
    asymmetric_polynomial as asymmetric_polynomial,
    asymmetric_polynomial_detached as asymmetric_polynomial_detached,
    bernoulli_jeffreys as bernoulli_jeffreys,
    binary_sparsemax as binary_sparsemax,
    clipped_jeffreys_divergence as clipped_jeffreys_divergence,
    distribution_balanced as distribution_balanced,
    hinge as hinge,
    jeffreys_divergence as jeffreys_divergence,
    logit_adjusted_sigmoid_cross_entropy as logit_adjusted_sigmoid_cross_entropy,
    modified_huber as modified_huber,
    negative_tolerant_focal as negative_tolerant_focal,
    poly1_focal as poly1_focal,
    poly1_sigmoid as poly1_sigmoid,
    robust_asymmetric as robust_asymmetric,
    sampled_sigmoid_cross_entropy as sampled_sigmoid_cross_entropy,
    sigmoid_cross_entropy as sigmoid_cross_entropy,
    sigmoid_focal as sigmoid_focal,
    smooth_labels as smooth_labels,
    squared_hinge as squared_hinge,
    strictly_proper_asymmetric as strictly_proper_asymmetric,
    strictly_proper_log_odds as strictly_proper_log_odds,
)
from mlj.losses.catalogue import (
    BATCH_LOSSES as BATCH_LOSSES,
    LOSS_INFO as LOSS_INFO,
    LOSSES as LOSSES,
    LossInfo as LossInfo,
    get_loss as get_loss,
)
from mlj.losses.counts import (
    COUNT_HEADS as COUNT_HEADS,
    categorical_count as categorical_count,
    conditional_bernoulli as conditional_bernoulli,
    dirichlet_multinomial as dirichlet_multinomial,
    k_subset as k_subset,
    k_subset_marginals as k_subset_marginals,
    log_clipped_linear as log_clipped_linear,
    negative_binomial_count as negative_binomial_count,
    perturbed_top_k as perturbed_top_k,
    poisson_binomial_count as poisson_binomial_count,
    poisson_count as poisson_count,
    sample_k_subset as sample_k_subset,
    soft_top_k as soft_top_k,
    softmax_count_mse as softmax_count_mse,
    softmax_count_poisson as softmax_count_poisson,
    softmax_product_jeffreys as softmax_product_jeffreys,
    softmax_product_mse as softmax_product_mse,
)
from mlj.losses.label_lists import from_indices as from_indices, labels_from_indices as labels_from_indices
from mlj.losses.objective import (
    mean_over_samples as mean_over_samples,
)
from mlj.losses.overlap import (
    lovasz_hinge as lovasz_hinge,
    sigmoid_f1 as sigmoid_f1,
    soft_dice as soft_dice,
    soft_f1 as soft_f1,
    soft_jaccard as soft_jaccard,
    soft_tversky as soft_tversky,
)
from mlj.losses.partial import (
    assume_negative as assume_negative,
    assume_negative_smoothed as assume_negative_smoothed,
    entropy_maximization as entropy_maximization,
    entropy_maximization_pseudo as entropy_maximization_pseudo,
    focal_margin as focal_margin,
    generalized_robust as generalized_robust,
    hill as hill,
    partial_cross_entropy as partial_cross_entropy,
    splc as splc,
    unbiased_propensity_cross_entropy as unbiased_propensity_cross_entropy,
    upper_bound_propensity_cross_entropy as upper_bound_propensity_cross_entropy,
    weak_assume_negative as weak_assume_negative,
)
from mlj.losses.ranking import (
    adaptive_threshold as adaptive_threshold,
    approx_average_precision as approx_average_precision,
    approx_ndcg as approx_ndcg,
    approx_reciprocal_rank as approx_reciprocal_rank,
    circle as circle,
    decoupled_softmax as decoupled_softmax,
    distributional_ranking as distributional_ranking,
    lambda_ndcg as lambda_ndcg,
    lambda_rank as lambda_rank,
    lifted_structured as lifted_structured,
    listmle as listmle,
    lsep as lsep,
    multilabel_margin as multilabel_margin,
    n_pair as n_pair,
    neural_ndcg as neural_ndcg,
    pairwise_exponential as pairwise_exponential,
    pairwise_hinge as pairwise_hinge,
    pairwise_logistic as pairwise_logistic,
    pairwise_soft_zero_one as pairwise_soft_zero_one,
    pairwise_squared_hinge as pairwise_squared_hinge,
    two_way_sample as two_way_sample,
    unified_similarity as unified_similarity,
    warp as warp,
    zlpr as zlpr,
    zlpr_from_indices as zlpr_from_indices,
)
from mlj.losses.sequence import (
    LabelSequences as LabelSequences,
    label_sequence_cross_entropy as label_sequence_cross_entropy,
    label_sequences as label_sequences,
    optimal_completion_distillation as optimal_completion_distillation,
    order_free_set_cross_entropy as order_free_set_cross_entropy,
)
from mlj.losses.softmax import (
    entmax15 as entmax15,
    multi_output_cross_entropy as multi_output_cross_entropy,
    normalized_sigmoid_cross_entropy as normalized_sigmoid_cross_entropy,
    pick_all_labels as pick_all_labels,
    pick_one_label as pick_one_label,
    poly1_softmax as poly1_softmax,
    sampled_softmax_cross_entropy as sampled_softmax_cross_entropy,
    softmax_cross_entropy as softmax_cross_entropy,
    sparsemax as sparsemax,
    wasserstein as wasserstein,
)
from mlj.losses.structured import (
    Families as Families,
    coherent_scores as coherent_scores,
    families as families,
    hierarchy_max_constraint as hierarchy_max_constraint,
    ising as ising,
    ising_marginals as ising_marginals,
    ising_mode as ising_mode,
    ising_pseudo_likelihood as ising_pseudo_likelihood,
)
from mlj.numerics import log_softplus as log_softplus
