"""Trains a tiny classifier on made-up data and saves it in one of seven formats.

    python train.py FORMAT OUTPUT

Formats are keras, hdf5, hdf5-weights and saved-model, which need tensorflow-cpu, and torch-state-dict, torch-model and
torchscript, which need torch. A saved-model is a directory, all others are files. It takes seconds, on the CPU, and
downloads nothing. The job that runs it needs no credentials.
"""

import argparse
import pathlib
import random

EPOCHS = 20
FEATURES = 4
CLASSES = 3


def synthetic_data(count=300, seed=7):
    """Returns points around one center for each class, and their classes."""
    rng = random.Random(seed)
    centers = [[rng.uniform(-3, 3) for _ in range(FEATURES)] for _ in range(CLASSES)]
    labels = [i % CLASSES for i in range(count)]
    points = [[rng.gauss(c, 0.3) for c in centers[label]] for label in labels]
    return points, labels


def train_tensorflow():
    import numpy
    import tensorflow

    tensorflow.keras.utils.set_random_seed(7)
    layers = tensorflow.keras.layers
    model = tensorflow.keras.Sequential(
        [
            tensorflow.keras.Input((FEATURES,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.05
    points, labels = (numpy.array(part) for part in synthetic_data())
    model.fit(points, labels, epochs=EPOCHS, verbose=0)
    return model, model.evaluate(points, labels, verbose=0)[1]


def train_torch():
    import torch

    torch.manual_seed(7)
    model = torch.nn.Sequential(
        torch.nn.Linear(FEATURES, 8), torch.nn.ReLU(), torch.nn.Linear(8, CLASSES)
    )
    points, labels = (torch.tensor(part) for part in synthetic_data())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(EPOCHS * 5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(points), labels).backward()
        optimizer.step()
    accuracy = (model(points).argmax(1) == labels).float().mean().item()
    return model.eval(), accuracy


def save_torch(write):
    import torch

    model, accuracy = train_torch()
    write(torch, model)
    return accuracy


def save_tensorflow(write):
    model, accuracy = train_tensorflow()
    write(model)
    return accuracy


FORMATS = {
    # The name of the file decides which format Keras writes: .keras, .h5 or .weights.h5.
    "keras": lambda out: save_tensorflow(lambda model: model.save(out)),
    "hdf5": lambda out: save_tensorflow(lambda model: model.save(out)),
    "hdf5-weights": lambda out: save_tensorflow(lambda model: model.save_weights(out)),
    "saved-model": lambda out: save_tensorflow(lambda model: model.export(out, verbose=False)),
    "torch-state-dict": lambda out: save_torch(lambda torch, model: torch.save(model.state_dict(), out)),
    "torch-model": lambda out: save_torch(lambda torch, model: torch.save(model, out)),
    "torchscript": lambda out: save_torch(
        lambda torch, model: torch.jit.save(torch.jit.trace(model, torch.zeros(1, FEATURES)), out)
    ),
}

SUFFIXES = {
    "keras": ".keras",
    "hdf5": ".h5",
    "hdf5-weights": ".weights.h5",
    "saved-model": "",
    "torch-state-dict": ".pth",
    "torch-model": ".pth",
    "torchscript": ".pt",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("output", type=pathlib.Path)
    args = parser.parse_args()
    if not args.output.name.endswith(SUFFIXES[args.format]):
        parser.error(f"the name of a model of format {args.format} ends in {SUFFIXES[args.format]}")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    accuracy = FORMATS[args.format](str(args.output))
    if accuracy < 0.9:
        raise SystemExit(f"the model learned too little: it is right in {accuracy:.0%} of the cases")
    print(f"{args.output}: right in {accuracy:.0%} of the cases")


if __name__ == "__main__":
    main()
