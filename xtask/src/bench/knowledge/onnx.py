"""Embeds with onnxruntime what Cupola embeds itself. Prints one line of JSON.

The graph is made from the weights, without padding, as a model of sentence-transformers with mean pooling has it.
"""

import json
import os
import sys
import time

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

WORDS = "the river was slow and brown where it left town under an old bridge of stone".split()
QUERY = "where does the river leave the town?"
CHUNKS, BATCH, ROUNDS, QUERIES = 64, 32, 3, 100

folder = sys.argv[1]
shape = json.load(open(os.path.join(folder, "config.json")))
limit = json.load(open(os.path.join(folder, "sentence_bert_config.json")))["max_seq_length"]
weights = {name.removeprefix("bert."): value for name, value in
           load_file(os.path.join(folder, "model.safetensors")).items()}
heads, hidden, eps = shape["num_attention_heads"], shape["hidden_size"], shape["layer_norm_eps"]
nodes, constants = [], {}


def constant(name, value):
    if name not in constants:
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
    return name


def weight(name):
    return constant(name, weights[name].astype(np.float32))


def node(kind, inputs, **attributes):
    name = f"t{len(nodes)}"
    nodes.append(helper.make_node(kind, inputs, [name], **attributes))
    return name


def linear(x, name):
    turned = constant(f"{name}.turned", weights[f"{name}.weight"].astype(np.float32).T)
    return node("Add", [node("MatMul", [x, turned]), weight(f"{name}.bias")])


def norm(x, name):
    return node("LayerNormalization", [x, weight(f"{name}.weight"), weight(f"{name}.bias")], axis=-1, epsilon=eps)


def split(x, order):
    apart = constant("apart", np.array([0, 0, heads, hidden // heads], np.int64))
    return node("Transpose", [node("Reshape", [x, apart])], perm=order)


def layer(x, prefix):
    query = split(linear(x, f"{prefix}.attention.self.query"), [0, 2, 1, 3])
    key = split(linear(x, f"{prefix}.attention.self.key"), [0, 2, 3, 1])
    value = split(linear(x, f"{prefix}.attention.self.value"), [0, 2, 1, 3])
    scale = constant("scale", np.float32(np.sqrt(hidden / heads)))
    shares = node("Softmax", [node("Div", [node("MatMul", [query, key]), scale])], axis=-1)
    mixed = node("Transpose", [node("MatMul", [shares, value])], perm=[0, 2, 1, 3])
    mixed = node("Reshape", [mixed, constant("together", np.array([0, 0, hidden], np.int64))])
    mixed = linear(mixed, f"{prefix}.attention.output.dense")
    x = norm(node("Add", [mixed, x]), f"{prefix}.attention.output.LayerNorm")
    wide = node("Gelu", [linear(x, f"{prefix}.intermediate.dense")])
    return norm(node("Add", [linear(wide, f"{prefix}.output.dense"), x]), f"{prefix}.output.LayerNorm")


def graph():
    x = node("Gather", [weight("embeddings.word_embeddings.weight"), "ids"])
    x = node("Add", [x, node("Gather", [weight("embeddings.position_embeddings.weight"), "positions"])])
    x = node("Add", [x, constant("kind", weights["embeddings.token_type_embeddings.weight"][0])])
    x = norm(x, "embeddings.LayerNorm")
    for number in range(shape["num_hidden_layers"]):
        x = layer(x, f"encoder.layer.{number}")
    x = node("ReduceMean", [x, constant("axis", np.array([1], np.int64))], keepdims=0)
    nodes.append(helper.make_node("LpNormalization", [x], ["vectors"], axis=-1, p=2))
    whole = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"]),
             helper.make_tensor_value_info("positions", TensorProto.INT64, ["tokens"])]
    out = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", hidden])]
    made = helper.make_model(helper.make_graph(nodes, "bert", whole, out, list(constants.values())),
                             opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    checker.check_model(made)
    return made.SerializeToString()


session = ort.InferenceSession(graph(), providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(limit)


def embed(texts):
    ids = np.array([text.ids for text in tokenizer.encode_batch(texts)], np.int64)
    return session.run(["vectors"], {"ids": ids, "positions": np.arange(ids.shape[1], dtype=np.int64)})[0]


def median(work, rounds):
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


texts = [" ".join(WORDS[(first + place * 7) % len(WORDS)] for place in range(limit - 2)) for first in range(CHUNKS)]
embed(texts[:8])
chunks = median(lambda: [embed(texts[at:at + BATCH]) for at in range(0, CHUNKS, BATCH)], ROUNDS)
query = median(lambda: embed([QUERY]), QUERIES)
cat, feline = embed(["cat"])[0], embed(["feline"])[0]
print(json.dumps({
    "version": ort.__version__,
    "tokens": limit,
    "chunks_per_second": CHUNKS / chunks,
    "query_ms": query * 1000,
    "cat_to_feline": float(cat @ feline),
}))
