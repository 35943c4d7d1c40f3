"""Vocabularies and text features: fitted on what they are given, and never mistaken for another."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

from mlj.data import DataError
from mlj.data.text import CHARACTERS, TextFeatures, TfidfBlock
from mlj.data.text_dataset import TextDataset
from mlj.data.tokens import TokenOptions, Vocabulary, ngram_ids

TEXTS = ["The sea is salt.", "the sky, the sea", "a salt 😂 a day", ""]
BLOCKS = (TfidfBlock(min_count=1), TfidfBlock(tokens=CHARACTERS.tokens, min_count=2, max_size=9))


def test_a_vocabulary_numbers_tokens_by_how_many_texts_hold_them():
    vocabulary = Vocabulary.fit(TEXTS)
    assert vocabulary.tokens == ("the", "sea", "salt")
    encoded = vocabulary.encode(["Salt , the sea, the end", "", "the"])
    assert encoded.ids.tolist() == [[4, 1, 2, 3, 1, 2, 1], [0] * 7, [2] + [0] * 6]
    assert encoded.ids.dtype == np.int32
    assert vocabulary.encode(["the sea the sea"], length=3).ids.tolist() == [[2, 3, 2]]
    assert vocabulary.encode(["the"], length=3).ids.tolist() == [[2, 0, 0]]
    assert vocabulary.encode([""]).ids.tolist() == [[0]]


def test_a_vocabulary_keeps_the_most_frequent_and_of_equals_the_first_in_the_alphabet():
    assert Vocabulary.fit(TEXTS, min_count=1, max_size=5).tokens == ("salt", "sea", "the", ",", ".")
    everything = Vocabulary.fit(TEXTS, min_count=1)
    assert {"😂", ","} < set(everything.tokens)
    assert everything.size == len(everything.tokens) + 2


def test_analyzers_are_those_of_scikit_learn():
    pairs = Vocabulary.fit(TEXTS, options=TokenOptions(ngrams=(2, 2), token_pattern=r"\w\w+"), min_count=1)
    assert set(pairs.tokens) == {"the sea", "sea is", "is salt", "the sky", "sky the", "salt day"}
    characters = Vocabulary.fit(["Ab"], options=TokenOptions(analyzer="char", lowercase=False), min_count=1)
    assert set(characters.tokens) == {"A", "b"}
    short = Vocabulary.fit(["the sea"], options=TokenOptions(stop_words="english"), min_count=1)
    assert short.tokens == ("sea",)


def test_token_numbers_of_a_vocabulary_from_another_run_are_refused():
    one, other = Vocabulary.fit(TEXTS), Vocabulary.fit(TEXTS, min_count=1)
    encoded = one.encode(TEXTS)
    np.testing.assert_array_equal(Vocabulary.fit(TEXTS).check(encoded), encoded.ids)
    with pytest.raises(DataError, match=r"made with the vocabulary \w{12}..., this one is \w{12}...:"):
        other.check(encoded)
    with pytest.raises(DataError, match="the model was made with the vocabulary"):
        other.require(one.sha256, "the model was")
    loud = Vocabulary(one.tokens, TokenOptions(lowercase=False))
    with pytest.raises(DataError, match="its numbers stand for other tokens"):
        loud.check(encoded)


def test_a_vocabulary_is_the_same_after_json_and_a_changed_one_is_refused():
    vocabulary = Vocabulary.fit(TEXTS, options=TokenOptions(ngrams=(1, 2)), min_count=1)
    text = vocabulary.to_json()
    assert Vocabulary.from_json(text) == vocabulary
    assert Vocabulary.from_json(text).sha256 == vocabulary.sha256
    for wrong, reason in (
        (text.replace('"salt"', '"salty"'), "was changed after it was written"),
        (text[:-1], "a vocabulary must be JSON"),
        ("[]", "must be a JSON object of sha256, options, tokens"),
        (json.dumps({"sha256": "", "options": {"analyser": 1}, "tokens": ["a"]}), "options cannot be used"),
        (json.dumps({"sha256": "", "options": {}, "tokens": {}}), "tokens of a vocabulary must be a list"),
        (json.dumps({"sha256": "", "options": {}, "tokens": ["a", "a"]}), "holds token 'a' twice"),
        (json.dumps({"sha256": "", "options": {}, "tokens": [["a"]]}), "tokens of a vocabulary are strings"),
        (json.dumps({"sha256": "", "options": {"lowercase": "no"}, "tokens": []}), "lowercase must be True"),
        (json.dumps({"sha256": "", "options": {"token_pattern": "("}, "tokens": []}), "token_pattern '\\('"),
        (json.dumps({"sha256": "", "options": {"ngrams": [1.0, 2.0]}, "tokens": []}), "ngrams must be"),
        ("[" * 100_000, "a vocabulary must be JSON"),
    ):
        with pytest.raises(DataError, match=reason):
            Vocabulary.from_json(wrong)


def test_options_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="the vocabulary is empty"):
        Vocabulary.fit(["a b"])
    for use in (Vocabulary.fit, Vocabulary.fit(TEXTS).encode):
        with pytest.raises(DataError, match="wanted a list of texts, got the string 'the sea'"):
            use("the sea")
    for call, reason in (
        (lambda: Vocabulary.fit(TEXTS, min_count=0), "min_count must be at least 1, got 0"),
        (lambda: Vocabulary.fit(TEXTS, max_size=0), "max_size must be at least 1, got 0"),
        (lambda: Vocabulary.fit(TEXTS).encode(TEXTS, length=0), "length must be at least 1, got 0"),
        (lambda: TokenOptions(analyzer="words"), "analyzer must be one of .*, got 'words'"),
        (lambda: TokenOptions(ngrams=(2, 1)), "ngrams must be"),
        (lambda: TokenOptions(stop_words="french"), "stop_words must be None or 'english'"),
    ):
        with pytest.raises(ValueError, match=reason):
            call()


def test_hashed_ngrams_follow_the_words_and_depend_on_their_order_alone():
    ids = np.array([[2, 3, 4, 0], [9, 2, 3, 4], [4, 3, 2, 0], [5, 0, 0, 0]])
    found = ngram_ids(ids, 10, buckets=10**6, longest=3)
    words = [[n for n in row if 0 < n < 10] for row in found]
    ngrams = [{n for n in row if n > 9} for row in found]
    assert words == [[2, 3, 4], [9, 2, 3, 4], [4, 3, 2], [5]]
    assert [len(row) for row in ngrams] == [3, 5, 3, 0]
    assert ngrams[0] < ngrams[1]
    assert not ngrams[0] & ngrams[2]
    pairs = ngram_ids(np.array([[2, k] for k in range(3, 300)]), 300, buckets=10**6)[:, 2]
    assert len(set(pairs.tolist())) >= len(pairs) - 2
    assert found.shape == (4, 9)
    assert found.dtype == np.int32
    assert ngram_ids(ids, 10, buckets=3).max() < 13
    np.testing.assert_array_equal(ngram_ids(ids, 10, buckets=3, longest=1), ids)
    with pytest.raises(ValueError, match="below first = 9"):
        ngram_ids(ids, 9, buckets=3)
    with pytest.raises(ValueError, match="buckets and longest must be at least 1, got 0 and 2"):
        ngram_ids(ids, 10, buckets=0)
    with pytest.raises(ValueError, match="must fit into int32, got 10"):
        ngram_ids(ids, 10, buckets=2**31)


def test_text_features_are_those_of_scikit_learn_fitted_on_the_training_texts_alone():
    features = TextFeatures.fit(TEXTS, BLOCKS)
    held = ["a salt sea of sky", "unseen"]
    wanted = sp.hstack([block.vectorizer().fit(TEXTS).transform(held) for block in BLOCKS]).toarray()
    found = features.transform(held)
    np.testing.assert_allclose(found.toarray(), wanted, atol=1e-6)
    assert found.dtype == np.float32
    assert len(features.names) == found.shape[1] == len(set(features.names))
    plain = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True).fit(TEXTS)
    np.testing.assert_allclose(
        TextFeatures.fit(TEXTS, BLOCKS[:1]).transform(held).toarray(),
        plain.transform(held).toarray(),
        atol=1e-6,
    )


def test_text_features_are_the_same_after_json_and_know_their_own_data_sets():
    features = TextFeatures.fit(TEXTS, BLOCKS)
    read = TextFeatures.from_json(features.to_json())
    assert read == features
    np.testing.assert_array_equal(read.transform(TEXTS).toarray(), features.transform(TEXTS).toarray())
    data = TextDataset(TEXTS, np.eye(4, dtype=int), label_names="abcd", split=[0, 0, 1, 2], name="d")
    dataset = features.to_dataset(data)
    assert read.check(dataset) is dataset
    assert (dataset.label_names, dataset.split.tolist()) == (("a", "b", "c", "d"), [0, 0, 1, 2])
    other = TextFeatures.fit(TEXTS[1:], BLOCKS)
    with pytest.raises(DataError, match="the features of 'd' come from another vocabulary: column"):
        other.check(dataset)
    fewer = TextFeatures.fit(TEXTS, BLOCKS[:1])
    with pytest.raises(DataError, match="columns, not"):
        fewer.check(dataset)
    with pytest.raises(DataError, match="the features were changed after they were written"):
        TextFeatures.from_json(features.to_json().replace("salt", "malt"))
    with pytest.raises(DataError, match="a block of text features must be a JSON object with tokens"):
        TextFeatures.from_json('{"sha256": "", "blocks": [1], "vocabularies": [[]], "idfs": [[]]}')
    for vocabulary, idf, reason in (
        ([1], [1.0], "needs a list of n-grams and as many weights"),
        (["a", "b"], [1.0], "needs a list of n-grams and as many weights"),
        (["a", "a"], [1.0, 1.0], "holds an n-gram twice"),
        (["a"], [float("nan")], "must be finite numbers"),
    ):
        content = {"sha256": "", "blocks": [{"tokens": {}}], "vocabularies": [vocabulary], "idfs": [idf]}
        with pytest.raises(DataError, match=reason):
            TextFeatures.from_json(json.dumps(content))
    with pytest.raises(DataError, match="the texts have no word n-grams to keep"):
        TextFeatures.fit(["a b"], [TfidfBlock()])


def test_a_text_data_set_refuses_what_a_data_set_refuses():
    names = ("x", "y")
    for call, reason in (
        (lambda: TextDataset(["a"], np.eye(2), label_names=names), "1 texts but 2 rows of labels"),
        (lambda: TextDataset(["a", None], np.eye(2), label_names=names), "text 1 is NoneType, not a string"),
        (lambda: TextDataset(["a", "b"], np.eye(2), label_names=("x",)), "1 label names for 2 label columns"),
        (lambda: TextDataset(["a", "b"], 2 * np.eye(2), label_names=names), "label 0 of row 0 is 2.0"),
        (lambda: TextDataset(["a"], np.eye(1), label_names="x").part_rows("train"), "no official split"),
    ):
        with pytest.raises(DataError, match=reason):
            call()
    data = TextDataset(["a", "b"], np.eye(2), label_names=names, split=np.array([2, 0]))
    same, other = (TextDataset([text, "b"], np.eye(2), label_names=names, split=[2, 0]) for text in "ac")
    assert data.sha256 == same.sha256 != other.sha256
    assert data.sha256 != TextDataset(["a", "b"], np.eye(2), label_names=names).sha256
    assert data.part_rows("train", "validation").tolist() == [1]
    assert data.rows(np.array([1])).texts == ("b",)
    for part, reason in (("tset", "unknown part 'tset'"), ("validation", "has no validation rows")):
        with pytest.raises(DataError, match=reason):
            data.part_rows(part)
