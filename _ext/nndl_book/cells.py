"""Code cells: the two lines that install the library on Colab serve a notebook, not a page, and are left out of it."""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

COLAB = re.compile(r'\Aimport sys\nif "google\.colab" in sys\.modules: .*\n*')


class HideColabLines(SphinxTransform):
    """Show the first code cell without the Colab lines; a cell that holds nothing else is not shown."""

    default_priority = 430

    def apply(self):
        for block in list(self.document.findall(nodes.literal_block)):
            text, found = COLAB.subn("", block.astext())
            if found and text:
                block.replace_self(nodes.literal_block(text, text, **block.attributes))
            elif found:
                block.parent.remove(block)
