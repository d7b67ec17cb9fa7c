"""Documents of every kind that the service reads, made by the programs' own libraries; and some that can't be read.

The suites of both generations share them. Each document says one thing that no other says.
"""

import io
import json
import zipfile
from dataclasses import dataclass

from docx import Document as WordDocument
from fpdf import FPDF
from fpdf.enums import AccessPermission
from PIL import Image
from pptx import Presentation

TOWNS = """Askvoll Bergen Drammen Egersund Florø Gjøvik Hamar Kragerø Larvik Mandal Namsos Odda Porsgrunn
Risør Stavern Tromsø Ulsteinvik Vardø Ålesund Arendal Moss Lofthus Halden""".split()


@dataclass
class Document:
    """A document with what it says."""

    name: str
    content: bytes
    fact: str

    @property
    def question(self) -> str:
        """What only this document answers."""
        return f"Who repairs what in {self.fact.split()[-1].rstrip('.')}?"

    @property
    def upload(self) -> tuple[str, bytes]:
        """As the clients take it."""
        return (self.name, self.content)


def all_kinds() -> list[Document]:
    """One document of each kind on the service's list, and texts in the encodings that are met."""
    made = [*TEXTS.items(), *((name, make) for name, make in OTHERS.items())]
    return [_document(name, make, town) for (name, make), town in zip(made, TOWNS, strict=True)]


def _document(name: str, make, town: str) -> Document:
    fact = f"The watchmaker repairs old barometers in {town}."
    return Document(name, make(fact), fact)


def plain(name: str, number: int) -> Document:
    """One of many small documents. Each has a word of its own."""
    fact = f"The ferry carries crates of sort{number:05} to Lofoten."
    return Document(name, f"Notes of day {number}.\n\n{fact}\n".encode(), fact)


def docx(*paragraphs: str, heading: str = "Repairs") -> bytes:
    """A document as Word writes it, with a heading and a table."""
    document = WordDocument()
    document.add_heading(heading, level=1)
    for text in paragraphs:
        document.add_paragraph(text)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Tools", "Tweezers"
    return _saved(document)


def pptx(*slides: str) -> bytes:
    """A presentation as PowerPoint writes it: each slide has a title and a text."""
    presentation = Presentation()
    for number, text in enumerate(slides, 1):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"Part {number}"
        slide.placeholders[1].text = text
    return _saved(presentation)


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A document with these pages. With a password nobody reads it without one."""
    document = FPDF()
    if password is not None:
        document.set_encryption("owner", password, permissions=AccessPermission.none())
    document.set_font("Helvetica", size=12)
    for text in pages:
        document.add_page()
        document.multi_cell(0, text=text)
    return bytes(document.output())


def scanned_pdf() -> bytes:
    """A page that is a picture: there is nothing to be read without looking."""
    document = FPDF()
    document.add_page()
    document.image(Image.new("RGB", (64, 64), "white"), w=100)
    return bytes(document.output())


def picture() -> bytes:
    """A picture, whatever it is called."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(buffer, "PNG")
    return buffer.getvalue()


def zip_bomb() -> bytes:
    """A document of Word with a part that expands a thousandfold."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx("Boom."))) as document,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in document.namelist():
            content = document.read(name)
            if name == "word/document.xml":
                content = content.replace(b"Boom.", b"Boom. " * 10_000_000)
            bomb.writestr(name, content)
    return buffer.getvalue()


def _saved(document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _commented(comment: str):
    return lambda fact: f"{comment} {fact}\n".encode()


# Documents that are texts.
TEXTS = {
    "shop.c": lambda fact: f"/* {fact} */\nint main(void) {{ return 0; }}\n".encode(),
    "shop.cpp": _commented("//"),
    "Shop.cs": lambda fact: f"/// <summary>{fact}</summary>\npublic class Shop {{}}\n".encode(),
    "shop.css": lambda fact: f"/* {fact} */\nbody {{ margin: 0 }}\n".encode(),
    "shop.go": lambda fact: f"// {fact}\npackage shop\n".encode(),
    "shop.html": lambda fact: (
        "<!doctype html><html><head><title>Shop</title><style>p{}</style></head>"
        f"<body><h1>Repairs</h1><p>{fact}</p><script>var x = 1</script></body></html>"
    ).encode(),
    "Shop.java": _commented("//"),
    "shop.js": _commented("//"),
    "shop.json": lambda fact: json.dumps({"shop": {"note": fact}}).encode(),
    "shop.md": lambda fact: f"# Shop\n\n## Repairs\n\n* {fact}\n".encode(),
    "shop.php": lambda fact: f"<?php // {fact}\n".encode(),
    "shop.py": lambda fact: f'"""{fact}"""\n'.encode(),
    "shop.rb": _commented("#"),
    "shop.sh": lambda fact: f"#!/bin/sh\n# {fact}\n".encode(),
    "shop.tex": lambda fact: (
        f"\\documentclass{{article}}\\begin{{document}}{fact}\\end{{document}}\n"
    ).encode(),
    "shop.ts": _commented("//"),
    "shop.txt": lambda fact: f"{fact}\n".encode(),
    "windows.txt": lambda fact: f"{fact} Über Öl für die Geräte.\r\n".encode("cp1252"),
    "utf16.txt": lambda fact: f"{fact}\n".encode("utf-16"),
}

# Documents that take more than a text editor.
OTHERS = {
    "shop.doc": lambda fact: (
        r"{\rtf1\ansi\deff0{\fonttbl{\f0 Times;}}\f0\fs24 "
        + "".join(letter if ord(letter) < 128 else f"\\u{ord(letter)}?" for letter in fact)
        + r"\par}"
    ).encode(),
    "shop.docx": docx,
    "shop.pdf": lambda fact: pdf("The first page is about nothing.", fact),
    "shop.pptx": lambda fact: pptx("The first slide is about nothing.", fact),
}

# Documents that nobody can read, and a word that the reason has in it.
BROKEN = {
    "encrypted.pdf": (lambda: pdf("Secret.", password="pass"), "encrypted"),
    "scanned.pdf": (scanned_pdf, "text"),
    "truncated.pdf": (lambda: pdf(*["Page."] * 20)[:400], ""),
    "truncated.docx": (lambda: docx("Cut.")[:2000], ""),
    "picture.pdf": (picture, "PNG"),
    "picture.txt": (picture, ""),
    "blank.txt": (lambda: b" \n\n ", "no text"),
    "bomb.docx": (zip_bomb, "expands"),
}
