"""Which code gives a solution away: statements and expressions that are not trivial, in forms that can be compared."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# `return 2 * x + 1` has a value of 5 parts; `return x`, `i += 1`, `out = []` and `n = len(self.paths)` stay below.
TELLING_EXPRESSION = 5
TELLING_STATEMENT = 6
# Shorter expressions are found in prose that means no code.
TELLING_CHARACTERS = 12


def size(node: ast.AST) -> int:
    """Count the parts of a piece of code that someone must have thought of.

    A dotted name counts as one part, and so does a call with the name of what it calls; operators, slices, signs of
    numbers and plain names that are assigned to count as none.
    """
    if isinstance(node, ast.expr_context | ast.operator | ast.unaryop | ast.boolop | ast.cmpop) or _is_target(node):
        return 0
    if _is_dotted_name(node):
        return 1
    if isinstance(node, ast.Call) and _is_dotted_name(node.func):
        return 1 + sum(size(argument) for argument in (*node.args, *node.keywords))
    own = 0 if isinstance(node, ast.Slice | ast.keyword | ast.arguments | ast.UnaryOp) else 1
    return own + sum(size(child) for child in ast.iter_child_nodes(node))


def telling_parts(statement: ast.stmt) -> list[ast.stmt | ast.expr]:
    """The statement and the expressions it consists of, as far as they are telling; imports never are."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    parts: list[ast.stmt | ast.expr] = [statement] if size(statement) >= TELLING_STATEMENT else []
    return parts + [value for value in values(statement) if size(value) >= TELLING_EXPRESSION]


def values(statement: ast.stmt) -> list[ast.expr]:
    """What a statement assigns, returns, evaluates, tests or loops over; not what its inner statements do."""
    children = [child for child in ast.iter_child_nodes(statement) if not _is_target(child)]
    contexts = [child.context_expr for child in children if isinstance(child, ast.withitem)]
    return [child for child in children if isinstance(child, ast.expr)] + contexts


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement of a tree, inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def form(node: ast.AST) -> str:
    """The code as text that is the same however it is laid out."""
    return ast.dump(node, annotate_fields=False)


def text_forms(part: ast.stmt | ast.expr, source: str) -> set[str]:
    """How the part of a solution looks in prose, squeezed; nothing for what is too short or has inner statements."""
    if hasattr(part, "body") and isinstance(part, ast.stmt):
        return set()
    texts = {squeezed(text) for text in (ast.get_source_segment(source, part) or "", ast.unparse(part))}
    return {text for text in texts if len(text) >= TELLING_CHARACTERS}


def squeezed(text: str) -> str:
    """The text without white space, and with one kind of quotes."""
    return re.sub(r"\s+", "", text).replace('"', "'")


def _is_target(node: ast.AST) -> bool:
    """Tell whether the node is a plain name, or several, that something is assigned to."""
    if isinstance(node, ast.Tuple | ast.List):
        return isinstance(node.ctx, ast.Store) and all(_is_target(element) for element in node.elts)
    return isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)


def _is_dotted_name(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
