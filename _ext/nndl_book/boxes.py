"""Boxes: `> [!NOTE]` and `> **Theorem (name).**` as coloured boxes with a title."""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .tree import bold_start, strip_start

NOTES = {"NOTE": nodes.note, "WARNING": nodes.warning, "TIP": nodes.tip}
MARKER = re.compile(rf"\[!({'|'.join(NOTES)})\]\s*")
STATEMENTS = {
    "theorem": ("Theorem", "定理"),
    "definition": ("Definition", "定义"),
    "lemma": ("Lemma", "引理"),
    "proposition": ("Proposition", "命题"),
    "corollary": ("Corollary", "推论"),
    "algorithm": ("Algorithm", "算法"),
}


class QuotesToBoxes(SphinxTransform):
    """Replace a block quote that starts with a marker or with the name of a statement."""

    default_priority = 410

    def apply(self):
        for quote in list(self.document.findall(nodes.block_quote)):
            if quote.children and isinstance(quote[0], nodes.paragraph):
                box = note(quote) or statement(quote)
                if box is not None:
                    quote.replace_self(box)


def note(quote):
    """A note, warning or tip; its title is Sphinx's own, in the language of the page."""
    marker = MARKER.match(quote[0].astext())
    if not marker:
        return None
    strip_start(quote[0])
    quote[0][0] = nodes.Text(str(quote[0][0]).removeprefix(marker[0].strip()))
    return NOTES[marker[1]]("", *_rest(quote))


def statement(quote):
    """A theorem or its kin; the bold start of the quote, without its full stop, is the title."""
    head = bold_start(quote[0])
    kind = head and next((kind for kind, words in STATEMENTS.items() if head.astext().startswith(words)), None)
    if not kind:
        return None
    if isinstance(head[-1], nodes.Text):
        head[-1] = nodes.Text(str(head[-1]).rstrip(" .。"))
    quote[0].remove(head)
    return nodes.admonition("", nodes.title("", "", *head.children), *_rest(quote), classes=["statement", kind])


def _rest(quote):
    """What follows the marker or the title; a first paragraph that held nothing else is left out."""
    strip_start(quote[0])
    return quote.children if quote[0].children else quote.children[1:]
