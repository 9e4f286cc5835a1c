// Package interop holds the tests that this library and the reference implementation in Python, model-signing,
// verify what the other one signs, and for what the reference refuses, that it still does and why.
//
// They run if MODEL_SIGNING_PYTHON names a Python that has the packages of internal/check/requirements.txt and
// weights.txt. The command internal/check installs them and sets it.
package interop
