"""Small helpers on document trees."""

from docutils import nodes


def strip_start(paragraph):
    """Remove empty text, spaces and line breaks from the start of a paragraph."""
    while paragraph.children and isinstance(paragraph[0], nodes.Text):
        rest = str(paragraph[0]).lstrip()
        if rest:
            paragraph[0] = nodes.Text(rest)
            return
        del paragraph[0]


def bold_start(paragraph):
    """The bold words that a paragraph starts with, or None."""
    strip_start(paragraph)
    return paragraph[0] if paragraph.children and isinstance(paragraph[0], nodes.strong) else None


def inside(node, kinds):
    """Whether an ancestor of a node is of one of the kinds."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False
