// Package training is an example of a training whose models are signed together with how they were built. train.py trains
// a tiny network on made-up data and saves it as Keras, HDF5, HDF5 weights, SavedModel, PyTorch state dict, full PyTorch
// model or TorchScript; .github/workflows/train.yml runs it without credentials and signs in another job.
//
// testdata holds what train.py wrote, with tensorflow-cpu 2.21.0 and torch 2.15.0 on a CPU: files of all seven formats,
// which the tests sign without these frameworks. With MODEL_SIGNING_TRAINING, the tests train again: it names one or
// several Pythons, as PATH lists folders, that have tensorflow or torch.
package training
