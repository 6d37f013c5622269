"""Manifests of Kubernetes, compared with the types of its API as Debian's python3-kubernetes has them."""

import re

import kubernetes.client
import yaml

_PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


def objects(path):
    """Those of a file: kind -> object. A file has one of each kind."""
    with open(path, encoding="utf-8") as file:
        found = list(yaml.safe_load_all(file))
    by_kind = {one["kind"]: one for one in found}
    if len(by_kind) != len(found):
        raise ValueError(f"{path} has two objects of one kind")
    return by_kind


def faults(one):
    """What the API would not take of an object: "spec.replicas: not an int", for example."""
    group, _, version = one["apiVersion"].rpartition("/")
    # The class of a kind has its version in its name; there is a class for the API of each group, which names the group.
    name = version[0].upper() + version[1:] + one["kind"]
    api = "".join(word.capitalize() for word in (group or "core").removesuffix(".k8s.io").split(".")) + version.capitalize() + "Api"
    if not hasattr(kubernetes.client, api) or not hasattr(kubernetes.client, name):
        return [f"there is no {one['kind']} in {one['apiVersion']}"]
    return list(_faults(one, name, one["kind"]))


def _faults(value, kind, path):
    listed, mapped = re.fullmatch(r"list\[(.*)\]", kind), re.fullmatch(r"dict\(str, (.*)\)", kind)
    if listed or mapped:
        if not isinstance(value, list if listed else dict):
            yield f"{path}: not a {'list' if listed else 'map'}"
            return
        for key, inner in enumerate(value) if listed else value.items():
            yield from _faults(inner, (listed or mapped).group(1), f"{path}.{key}")
    elif kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (kind == "int" and isinstance(value, bool)):
            yield f"{path}: not a {kind}"
    else:
        yield from _faults_of_fields(value, getattr(kubernetes.client, kind), path)


def _faults_of_fields(value, model, path):
    if not isinstance(value, dict):
        yield f"{path}: not a {model.__name__}"
        return
    attributes = {field: attribute for attribute, field in model.attribute_map.items()}
    for field, inner in value.items():
        if field in attributes:
            yield from _faults(inner, model.openapi_types[attributes[field]], f"{path}.{field}")
        else:
            yield f"{path}: {model.__name__} has no {field}"
    try:
        model(**{attributes[field]: inner for field, inner in value.items() if field in attributes})
    except ValueError as error:  # What is missing, for example.
        yield f"{path}: {error}"
