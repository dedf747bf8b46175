"""Captions: the paragraph `**Figure 1.6.** ...` after a figure's cell, and the image's alt text taken from it."""

import re
import struct
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .anchors import KINDS, NUMBER, WORD, anchor
from .tree import bold_start

WORDS = re.compile(WORD)
LABEL = re.compile(rf"({WORD})\s?({NUMBER})[.。]$")
SENTENCE = re.compile(r".+?(?:[.!?](?=\s+[^a-z\s]|$)|[。！？]|$)", re.DOTALL)


class Captions(SphinxTransform):
    """Mark captions, give them an anchor, and describe the images before them."""

    default_priority = 420

    def apply(self):
        for paragraph in self.document.findall(nodes.paragraph):
            label = bold_start(paragraph) if WORDS.match(paragraph.astext()) else None
            match = label and LABEL.match(label.astext())
            if match:
                mark(paragraph, label, KINDS[match[1]], match[2])


def mark(paragraph, label, kind, number):
    """Make a paragraph the caption of the figure above it or of the table below it."""
    label["classes"].append("caption-label")
    paragraph["classes"].append(f"{kind}-caption")
    images = list(above(paragraph).findall(nodes.image)) if kind == "figure" else []
    for image in images:
        image["alt"] = first_sentence(paragraph)
        image["classes"] += ["wide"] if is_wide(image) else []
    (above(paragraph) if images else paragraph)["ids"].append(anchor(kind, number))


def is_wide(image):
    """Whether a figure is so wide, as several panels in a row are, that a phone should scroll it and not shrink it."""
    file = Path(image.document.settings.env.srcdir, image["uri"].lstrip("/"))
    if file.suffix != ".png" or not file.exists():
        return False
    width, height = struct.unpack(">II", file.read_bytes()[16:24])
    return width > 2.2 * height


def above(paragraph):
    """The node before a paragraph, where its figure stands; the paragraph itself where there is none."""
    place = paragraph.parent.index(paragraph)
    return paragraph.parent[place - 1] if place else paragraph


def first_sentence(paragraph):
    """The caption's first sentence after its label, as plain words."""
    text = "".join(plain(child) for child in paragraph.children[1:])
    return SENTENCE.search(" ".join(text.split()) or paragraph.astext())[0]


def plain(node):
    """The words of a node; of a formula its symbols without TeX's backslashes and braces."""
    return re.sub(r"[\\{}]", "", node.astext()) if isinstance(node, nodes.math) else node.astext()
