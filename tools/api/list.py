#!/usr/bin/env python3
"""Lists what a crate makes public, from rustdoc's JSON: one sorted line for each item.

    list.py target/doc/CRATE.json

The JSON has the hidden items too (`--document-hidden-items`), since what is public may be defined
in a hidden module; they are not listed.

An item is listed at its shortest path; another path to it is a line that says so. What implements a
trait is listed, derived or not, also whether it is Send and Sync; blanket implementations are not.
Ends with 1 where a public item has no documentation, or a signature names a type of the crate to
which no public path leads.
"""

import json
import re
import sys

# As rustdoc of the pinned toolchain writes it. Another one may still be read alike: what is not
# understood ends the program.
FORMATS = range(50, 70)
AUTO = {"Send", "Sync"}
SILENT = {"StructuralPartialEq", "Freeze", "UnsafeUnpin"}
KINDS = ("module", "struct", "enum", "trait", "function", "type_alias", "constant", "static",
         "macro", "union")


def kind(item):
    """The one key of the item's inside."""
    return next(iter(item["inner"]))


def is_hidden(item):
    """Whether it is marked as no part of the API."""
    return {"other": "#[doc(hidden)]"} in item["attrs"]


class Types:
    """Types, generics and signatures as text."""

    def __init__(self, crate):
        self.crate = crate

    def text(self, found):
        if found in ("infer", None):
            return "_"
        what, inside = next(iter(found.items()))
        return getattr(self, what)(inside)

    def resolved_path(self, path):
        return self.crate.name_of(path["id"], path["path"]) + self.arguments(path.get("args"))

    def generic(self, name):
        return name

    def primitive(self, name):
        return "!" if name == "never" else name

    def tuple(self, parts):
        inside = ", ".join(map(self.text, parts))
        return f"({inside},)" if len(parts) == 1 else f"({inside})"

    def slice(self, of):
        return f"[{self.text(of)}]"

    def array(self, array):
        return f"[{self.text(array['type'])}; {array['len']}]"

    def borrowed_ref(self, borrowed):
        lifetime = f"{borrowed['lifetime']} " if borrowed["lifetime"] else ""
        mutable = "mut " if borrowed["is_mutable"] else ""
        return f"&{lifetime}{mutable}{self.text(borrowed['type'])}"

    def raw_pointer(self, pointer):
        return f"*{'mut' if pointer['is_mutable'] else 'const'} {self.text(pointer['type'])}"

    def impl_trait(self, bounds):
        return f"impl {self.bounds(bounds)}"

    def dyn_trait(self, dyn):
        traits = [self.higher(poly["generic_params"]) + self.resolved_path(poly["trait"])
                  for poly in dyn["traits"]]
        return "dyn " + " + ".join(traits + ([dyn["lifetime"]] if dyn["lifetime"] else []))

    def qualified_path(self, path):
        name, arguments = path["name"], self.arguments(path.get("args"))
        owner = self.text(path["self_type"])
        trait = path.get("trait")
        if trait and trait["path"]:
            owner = f"<{owner} as {self.resolved_path(trait)}>"
        return f"{owner}::{name}{arguments}"

    def function_pointer(self, pointer):
        signature = pointer["sig"]
        inputs = ", ".join(self.text(found) for _, found in signature["inputs"])
        return self.higher(pointer["generic_params"]) + f"fn({inputs}){self.output(signature)}"

    def pat(self, pattern):
        return self.text(pattern["type"])

    def arguments(self, arguments):
        if not arguments:
            return ""
        what, inside = next(iter(arguments.items()))
        if what == "parenthesized":
            inputs = ", ".join(map(self.text, inside["inputs"]))
            output = f" -> {self.text(inside['output'])}" if inside["output"] else ""
            return f"({inputs}){output}"
        parts = [self.argument(argument) for argument in inside["args"]]
        parts += [self.constraint(constraint) for constraint in inside["constraints"]]
        return f"<{', '.join(parts)}>" if parts else ""

    def argument(self, argument):
        if argument == "infer":
            return "_"
        what, inside = next(iter(argument.items()))
        if what == "lifetime":
            return inside
        return self.text(inside) if what == "type" else inside["expr"]

    def constraint(self, constraint):
        binding = constraint["binding"]
        if "constraint" in binding:
            return f"{constraint['name']}: {self.bounds(binding['constraint'])}"
        term = binding["equality"]
        value = self.text(term["type"]) if "type" in term else term["constant"]["expr"]
        return f"{constraint['name']} = {value}"

    def bounds(self, bounds):
        return " + ".join(self.bound(bound) for bound in bounds)

    def bound(self, bound):
        what, inside = next(iter(bound.items()))
        if what == "outlives":
            return inside
        if what == "use":
            return "use<..>"
        modifier = "?" if inside["modifier"] == "maybe" else ""
        higher = self.higher(inside["generic_params"])
        return modifier + higher + self.resolved_path(inside["trait"])

    def higher(self, parameters):
        return f"for<{', '.join(found['name'] for found in parameters)}> " if parameters else ""

    def generics(self, generics):
        """The parameters in angle brackets, and the where clause."""
        parts = []
        for parameter in generics["params"]:
            what, inside = next(iter(parameter["kind"].items()))
            if what == "const":
                parts.append(f"const {parameter['name']}: {self.text(inside['type'])}")
            elif what == "lifetime":
                parts.append(parameter["name"])
            elif not inside["is_synthetic"]:
                bounds = self.bounds(inside["bounds"])
                parts.append(parameter["name"] + (f": {bounds}" if bounds else ""))
        return f"<{', '.join(parts)}>" if parts else "", self.where(generics["where_predicates"])

    def where(self, predicates):
        parts = []
        for predicate in predicates:
            what, inside = next(iter(predicate.items()))
            if what == "bound_predicate":
                parts.append(f"{self.text(inside['type'])}: {self.bounds(inside['bounds'])}")
            elif what == "lifetime_predicate":
                parts.append(f"{inside['lifetime']}: {' + '.join(inside['outlives'])}")
            else:
                parts.append(f"{self.text(inside['lhs'])} == {self.text(inside['rhs'])}")
        return f" where {', '.join(parts)}" if parts else ""

    def output(self, signature):
        return f" -> {self.text(signature['output'])}" if signature["output"] else ""

    def function(self, path, function):
        header, signature = function["header"], function["sig"]
        words = "".join(f"{word} " for word in ("const", "unsafe", "async")
                        if header[f"is_{word}"])
        generics, where = self.generics(function["generics"])
        inputs = ", ".join(self.input(*found) for found in signature["inputs"])
        return f"{words}fn {path}{generics}({inputs}){self.output(signature)}{where}"

    def input(self, name, found):
        text = self.text(found)
        if name == "self" and text in ("Self", "&Self", "&mut Self"):
            return text.replace("Self", "self")
        return f"{name}: {text}"


class Crate:
    """The public items of one crate."""

    def __init__(self, document):
        self.index, self.paths = document["index"], document["paths"]
        self.crates = document["external_crates"]
        self.types = Types(self)
        self.places, self.others = {}, []
        self.lines, self.faults = set(), []
        self.find(document["root"])
        for found, path in list(self.places.items()):
            self.describe(self.index[found], path)
        for path, found in self.others:
            self.lines.add(f"pub use {self.places[found]} as {path}")

    def find(self, root):
        """Gives every item its shortest path: one level after the other."""
        name = self.index[str(root)]["name"]
        level, seen = [(str(root), name)], set()
        while level:
            below = []
            for module, path in level:
                if module in seen:
                    continue
                seen.add(module)
                below += self.items_of(module, path)
            level = []
            for found, path in below:
                if found in self.places:
                    if self.places[found] != path:
                        self.others.append((path, found))
                    continue
                self.places[found] = path
                if kind(self.index[found]) == "module":
                    level.append((found, path))

    def items_of(self, module, path):
        """What is public in a module, what it names with `use` included."""
        for found in self.index[module]["inner"]["module"]["items"]:
            item = self.index.get(str(found))
            if item is None or item["visibility"] != "public" or is_hidden(item):
                continue
            if kind(item) != "use":
                yield str(found), f"{path}::{item['name']}"
                continue
            used = item["inner"]["use"]
            target = str(used["id"])
            if target not in self.index:
                self.lines.add(f"pub use {used['source']} as {path}::{used['name']}")
            elif used["is_glob"]:
                yield from self.items_of(target, path)
            else:
                yield target, f"{path}::{used['name']}"

    def shown(self, found):
        """These items without those that are hidden, or private."""
        items = (self.index.get(str(one)) for one in found if one is not None)
        return [item for item in items if item and not is_hidden(item)]

    def name_of(self, found, written):
        found = str(found)
        if found in self.places:
            return self.places[found].split("::", 1)[1]
        known = self.paths.get(found)
        if known is None:
            return written.rsplit("::", 1)[-1]
        path = known["path"]
        if known["crate_id"] == 0:
            self.faults.append(f"{'::'.join(path)}: named by a signature, and not public")
            return "::".join(path)
        if path[0] not in ("std", "core", "alloc"):
            return f"{path[0]}::{path[-1]}"
        return "::".join(path[-2:]) if path[-1] in ("Error", "Result") and path[-2] != "result" \
            else path[-1]

    def add(self, item, line):
        self.lines.add(line)
        if not item["docs"]:
            self.faults.append(f"{line}: has no documentation")

    def describe(self, item, path):
        what = kind(item)
        inside = item["inner"][what]
        if what not in KINDS:
            sys.exit(f"{path}: {what} is not understood")
        mark = "#[non_exhaustive] " if "non_exhaustive" in item["attrs"] else ""
        getattr(self, f"describe_{what}")(item, f"{mark}pub", path, inside)

    def describe_module(self, item, head, path, _):
        self.add(item, f"{head} mod {path}")

    def describe_function(self, item, head, path, function):
        self.add(item, f"{head} {self.types.function(path, function)}")

    def describe_constant(self, item, head, path, constant):
        self.add(item, f"{head} const {path}: {self.types.text(constant['type'])}")

    def describe_static(self, item, head, path, static):
        self.add(item, f"{head} static {path}: {self.types.text(static['type'])}")

    def describe_macro(self, item, head, path, _):
        self.add(item, f"{head} macro {path}!")

    def describe_type_alias(self, item, head, path, alias):
        generics, where = self.types.generics(alias["generics"])
        self.add(item, f"{head} type {path}{generics} = {self.types.text(alias['type'])}{where}")

    def describe_struct(self, item, head, path, struct):
        generics, where = self.types.generics(struct["generics"])
        shape, inside = struct["kind"], ""
        if isinstance(shape, dict) and "tuple" in shape:
            inside = f"({self.tuple_fields(shape['tuple'])})"
        elif isinstance(shape, dict):
            self.fields(path, shape["plain"]["fields"])
            inside = " { .. }" if shape["plain"]["has_stripped_fields"] else " {}"
        self.add(item, f"{head} struct {path}{generics}{inside}{where}")
        self.implementations(path, struct["impls"])

    def describe_union(self, item, head, path, union):
        self.add(item, f"{head} union {path}")
        self.fields(path, union["fields"])
        self.implementations(path, union["impls"])

    def tuple_fields(self, fields):
        parts = [(self.shown([field]) or [None])[0] for field in fields]
        return ", ".join(self.types.text(part["inner"]["struct_field"]) if part else "_"
                         for part in parts)

    def fields(self, path, fields, head="pub "):
        for field in self.shown(fields):
            text = self.types.text(field["inner"]["struct_field"])
            self.add(field, f"{head}{path}::{field['name']}: {text}")

    def describe_enum(self, item, head, path, enum):
        generics, where = self.types.generics(enum["generics"])
        self.add(item, f"{head} enum {path}{generics}{where}")
        for variant in self.shown(enum["variants"]):
            place, shape = f"{path}::{variant['name']}", variant["inner"]["variant"]["kind"]
            inside = ""
            if isinstance(shape, dict) and "tuple" in shape:
                inside = f"({self.tuple_fields(shape['tuple'])})"
            elif isinstance(shape, dict):
                self.fields(place, shape["struct"]["fields"])
                inside = " {}"
            self.add(variant, f"pub {place}{inside}")
        self.implementations(path, enum["impls"])

    def describe_trait(self, item, head, path, trait):
        generics, where = self.types.generics(trait["generics"])
        bounds = self.types.bounds(trait["bounds"])
        bounds = f": {bounds}" if bounds else ""
        unsafe = "unsafe " if trait["is_unsafe"] else ""
        self.add(item, f"{head} {unsafe}trait {path}{generics}{bounds}{where}")
        for member in self.shown(trait["items"]):
            self.member(member, path, is_default_told=True)

    def implementations(self, path, implementations):
        for found in self.shown(implementations):
            inside = found["inner"]["impl"]
            if inside["blanket_impl"]:
                continue
            trait = inside["trait"]
            if trait is None:
                for member in self.shown(inside["items"]):
                    if member["visibility"] == "public":
                        self.member(member, path)
                continue
            name = trait["path"].rsplit("::", 1)[-1]
            if name in SILENT or (inside["is_synthetic"] and name not in AUTO):
                continue
            self.implementation(trait, inside)

    def implementation(self, trait, inside):
        generics, where = self.types.generics(inside["generics"])
        negative = "!" if inside["is_negative"] else ""
        owner = self.types.text(inside["for"])
        name = self.types.resolved_path(trait)
        self.lines.add(f"impl{generics} {negative}{name} for {owner}{where}")
        for member in self.shown(inside["items"]):
            if kind(member) == "assoc_type":
                found = self.types.text(member["inner"]["assoc_type"]["type"])
                self.lines.add(f"type <{owner} as {name}>::{member['name']} = {found}")

    def member(self, member, path, is_default_told=False):
        what = kind(member)
        inside, place = member["inner"][what], f"{path}::{member['name']}"
        if what == "function":
            default = " { .. }" if is_default_told and inside["has_body"] else ""
            self.add(member, f"pub {self.types.function(place, inside)}{default}")
        elif what == "assoc_const":
            self.add(member, f"pub const {place}: {self.types.text(inside['type'])}")
        elif what == "assoc_type":
            bounds = self.types.bounds(inside["bounds"])
            self.add(member, f"pub type {place}" + (f": {bounds}" if bounds else ""))
        else:
            sys.exit(f"{place}: {what} is not understood")


def order(line):
    """Items by their paths, then the implementations by whom they are for."""
    if line.startswith(("impl", "type <")):
        return 1, line.rpartition(" for ")[2], line
    place = re.search(r"\w+(::\w+)+", line.rpartition(" as ")[2] if " use " in line else line)
    return 0, place[0] if place else line, line


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    if document["format_version"] not in FORMATS:
        sys.exit(f"format {document['format_version']} of rustdoc's JSON: look at what changed")
    crate = Crate(document)
    print("\n".join(sorted(crate.lines, key=order)))
    for fault in sorted(set(crate.faults)):
        print(fault, file=sys.stderr)
    sys.exit(1 if crate.faults else 0)


if __name__ == "__main__":
    main()
