"""Which reader a file needs, by its first bytes and its name; and a word for what no reader reads."""

from __future__ import annotations

import re
from pathlib import PurePath

from tierwise.knowledge.reading.problem import Unreadable
from tierwise.knowledge.reading.zips import check_zip

_READERS = {
    "html": "html htm xhtml xht",
    "pdf": "pdf",
    "docx": "docx docm dotx dotm",
    "pptx": "pptx pptm ppsx ppsm potx potm",
    "sheets": "xlsx xlsm xltx xltm xlsb xls ods csv tsv tab",
    "markdown": "md markdown mdown mkd mdx qmd rmd",
    "rst": "rst rest",
    "notebook": "ipynb",
    "data": "json jsonl ndjson geojson yaml yml toml xml svg",
    "subtitles": "srt vtt ass ssa",
    "mail": "eml",
    "code": "asm bash bat c c++ cc cjs cl clj cljs cmake cpp cs css cu cxx dart el elm erl ex exs f90 fish fs go "
    "gradle groovy h h++ hh hpp hs hxx java jl js jsx kt kts less lisp lua m mjs mk ml mli mm nim nix pas php pl pm "
    "proto ps1 py pyi pyw r rb rs sass scala scm scss sh sol sql svelte swift tcl tf thrift ts tsx vim vue zig zsh",
}
_BY_ENDING = {ending: reader for reader, endings in _READERS.items() for ending in endings.split()}
_CODE_NAMES = {"dockerfile", "gemfile", "gnumakefile", "jenkinsfile", "justfile", "makefile", "rakefile", "vagrantfile"}
_MAN_ENDING = re.compile(r"(?:[1-9nl][a-z]{0,12}|man|mdoc|roff|troff)")

_PICTURE = ("a picture", "Run text recognition (OCR) on it and bring in the text.")
_SOUND = ("a sound or film", "Bring in its subtitles (.srt, .vtt) or a transcript.")
_ARCHIVE = ("an archive", "Unpack it and bring in the documents.")
_PROGRAM = ("a program", "Leave it out.")
_DATABASE = ("a database", "Export what you need as CSV or text.")
_MODEL = ("a model or an array of numbers", "Leave it out.")
_FONT = ("a font", "Leave it out.")
_RTF = ("an RTF document", "Save it as .docx, PDF or text.")
# What files that are no text begin with; a name that is also a word is followed by a byte that no text has.
_FOREIGN = tuple(
    (re.compile(pattern, re.S), kind)
    for pattern, kind in (
        (rb"\x89PNG|\xff\xd8\xff|\xff\x0a|GIF8[79]a.[\x00-\x08]|BM.{4}\x00{4}|II\*\x00|MM\x00\*|8BPS\x00", _PICTURE),
        (rb"RIFF....WEBP|\x00\x00[\x01\x02]\x00|\x00\x00\x00\x0cJXL |\x00...ftyp(?:avif|heic|heix|mif1)", _PICTURE),
        (rb"ID3[\x02-\x04]|\xff[\xfb\xf3\xf2]|OggS\x00|fLaC\x00|RIFF....(?:WAVE|AVI )", _SOUND),
        (rb"\x00...ftyp|\x1aE\xdf\xa3|\x00\x00\x01[\xb3\xba]", _SOUND),
        (rb"7z\xbc\xaf|Rar!\x1a|BZh[1-9]1AY&SY|\xfd7zXZ|\x28\xb5\x2f\xfd|.{257}ustar", _ARCHIVE),
        (rb"!<arch>\n|xar!\x00|MSCF\x00|\xed\xab\xee\xdb|.{2}-lh\d-", _ARCHIVE),
        (rb"\x7fELF|MZ.{0,126}\x00|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe|\x00asm|dex\n\d", _PROGRAM),
        (rb"SQLite format 3\x00|PAR1[\x00-\x1f]|ARROW1\x00|Obj\x01|\x00\x01\x00\x00Standard (?:Jet|ACE)", _DATABASE),
        (rb"GGUF[\x00-\x1f]|\x93NUMPY|\x89HDF|\x80[\x02-\x05]", _MODEL),
        (rb"wOF[F2]\x00|OTTO\x00|ttcf\x00|\x00\x01\x00\x00\x00", _FONT),
        (rb"\{\\rtf", _RTF),
    )
)
_OLD = {
    "doc": "an old Word document",
    "ppt": "an old PowerPoint file",
    "rtf": "an RTF document",
    "odt": "an OpenDocument text",
    "odp": "an OpenDocument presentation",
    "epub": "an e-book",
    "pages": "an Apple Pages document",
    "key": "an Apple Keynote file",
    "numbers": "an Apple Numbers sheet",
    "msg": "an Outlook message",
    "mobi": "an e-book",
    "djvu": "a DjVu scan",
    "ps": "a PostScript file",
}
_SAVE_AS = {
    "odp": "Save it as .pptx or PDF.",
    "ppt": "Save it as .pptx or PDF.",
    "key": "Export it as .pptx or PDF.",
    "epub": "Convert it to HTML or PDF.",
    "mobi": "Convert it to HTML or PDF.",
    "msg": "Save it as .eml.",
    "numbers": "Export it as .xlsx or CSV.",
    "djvu": "Convert it to PDF with a text layer.",
    "ps": "Convert it to PDF.",
}
_SAVE_AS_DEFAULT = "Save it as .docx or PDF."
_RENAME = "Open it to see what it is, and rename it."
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGES = (("word/", "docx"), ("xl/", "sheets"), ("ppt/", "pptx"))
_OPEN_DOCUMENT = re.compile(
    rb"PK\x03\x04.{26}mimetypeapplication/(?:vnd\.oasis\.opendocument\.(text|spreadsheet|presentation|graphics)|(epub))",
    re.S,
)
_OPEN_ENDINGS = {b"text": "odt", b"presentation": "odp", b"graphics": "odp"}

_HTML_START = re.compile(
    rb"\s{0,100}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--.{0,2000}?-->\s{0,100})?<(?:!doctype\s+html|html)\b", re.I | re.S
)
# A manual page begins with a request or a comment, and says before long what it is.
_ROFF_START = re.compile(rb"\s{0,100}(?:[.']|\\\")")
_ROFF_TITLE = re.compile(rb"^[.'][ \t]*(?:TH|Dd|SH|Sh|so)\b", re.M)
_LOOK_FOR_TITLE = 65536
_SHEBANG = re.compile(rb"#![ \t]*/\S*(?:sh|python|perl|ruby|node|env|php|lua|Rscript)")
_LOOK = 4096


def ending_of(name: str) -> str:
    """The ending of a file's name in small letters, without its dot; empty if there is none."""
    return PurePath(name).suffix[1:].lower()


def is_gzip(data: bytes) -> bool:
    """Whether these are gzipped bytes."""
    return data.startswith(b"\x1f\x8b\x08")


def reader_for(name: str, data: bytes) -> str:
    """The name of the module that reads a document; content goes before name.

    Args:
        name: of the file; its ending decides between kinds of text.
        data: its bytes.

    Raises:
        Unreadable: if it is no document, or of a kind that is not read.
    """
    ending = ending_of(name)
    start = data[:_LOOK]
    if start[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    if start.startswith(b"PK\3\4") or (start.startswith(b"PK\5\6") and len(data) < 100):
        return _of_zip(ending, data)
    if start.startswith(_OLE):
        return _of_ole(ending, data)
    for pattern, (kind, fix) in _FOREIGN:
        if pattern.match(start):
            raise Unreadable(f"It is {kind}, which cannot be read as text.", fix=fix)
    return _of_text(name, ending, data)


def _of_zip(ending: str, data: bytes) -> str:
    names = check_zip(data)
    if found := _OPEN_DOCUMENT.match(data):
        kind = found[1] or found[2]
        if kind == b"spreadsheet":
            return "sheets"
        raise _old("epub" if kind == b"epub" else _OPEN_ENDINGS.get(kind, "odt"))
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        raise Unreadable("It is a program, which cannot be read as text.", fix="Leave it out.")
    if "[Content_Types].xml" in names:
        for folder, reader in _PACKAGES:
            if any(name.startswith(folder) for name in names):
                return reader
    if ending in _OLD:
        raise _old(ending)
    if _BY_ENDING.get(ending) in ("docx", "pptx", "sheets"):
        raise Unreadable(f"It is named .{ending}, but there is no such document in it.", fix=_RENAME)
    return "archive"


def _of_ole(ending: str, data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Unreadable("It is encrypted.", fix="Save a copy without a password.")
    if "Workbook".encode("utf-16-le") in data or ending == "xls":
        return "sheets"
    raise _old(ending if ending in ("ppt", "msg") else "doc")


def _of_text(name: str, ending: str, data: bytes) -> str:
    start = data[:_LOOK]
    reader = _BY_ENDING.get(ending)
    if _HTML_START.match(start) and reader not in ("code", "markdown", "mail", "notebook"):
        return "html"
    if ending in _OLD and not (ending in ("doc", "pages", "key", "numbers") and _is_text(start)):
        raise _old(ending)
    if reader in ("pdf", "docx", "pptx") or (reader == "sheets" and ending not in ("csv", "tsv", "tab")):
        raise Unreadable(f"It is named .{ending} but is not one.", fix=_RENAME)
    if reader is not None:
        return reader
    if (not ending or _MAN_ENDING.fullmatch(ending)) and _is_roff(data):
        return "man"
    if PurePath(name).name.lower() in _CODE_NAMES or (not ending and _SHEBANG.match(start)):
        return "code"
    return "plain"


def _is_roff(data: bytes) -> bool:
    return bool(_ROFF_START.match(data) and _ROFF_TITLE.search(data, 0, _LOOK_FOR_TITLE))


def _is_text(start: bytes) -> bool:
    return b"\0" not in start


def _old(ending: str) -> Unreadable:
    return Unreadable(f"It is {_OLD[ending]}, which is not read.", fix=_SAVE_AS.get(ending, _SAVE_AS_DEFAULT))
