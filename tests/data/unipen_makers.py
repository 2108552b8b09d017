"""A made-up UniPen archive in the true layout: two contributors, four writers, all four folders."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

ROOT = "unipen/CDROM/train_r01_v07"

ABC_HEADER = """.VERSION 1.0
.COMMENT A tablet with twice as many points along x as along y,
 .PEN_DOWN in a comment that is not at the beginning of a line
.COORD X Y T
.X_POINTS_PER_INCH 200
.Y_POINTS_PER_INCH 100
"""

# components: 0 a 7, 1 in the air, 2 the bar of the 7, 3 a 1, 4 in the air, 5 a full stop
ABC_STROKES = """.INCLUDE abc/abc.doc
.WRITER_ID Marieke
.START_BOX
.PEN_DOWN
 100 300 0
 160 300 10
 160 300 20
 120 250 30
.PEN_UP
 118 260 40
.PEN_DOWN
 110 275 50
 150 276 60
.PEN_UP
.DT 100
.PEN_DOWN
 220 300 70
 216 250 80
.PEN_UP
 240 255 90
.PEN_DOWN
 250 250 100
.PEN_UP
"""

# components: 0 a 0 and a 2 written in one stroke, 1 an A, 2 an a
XYZ_STROKES = """.COORD X Y
.WRITER_ID 12
.PEN_DOWN
10 10
20 30
30 10
10 10
50 30
60 20
50 10
60 10
.PEN_UP
.WRITER_ID 13
.PEN_DOWN
0 0 10 40 20 0
.PEN_DOWN
0 0 10 20 20 0
"""


def unipen_files() -> dict[str, str]:
    """Return the files of the archive by their names below its root."""
    return {
        "data/1a/abc/abc00/one.dat": '.INCLUDE abc/data/abc00/ONE.DAT\n.HIERARCHY CHARACTER\n'
        '.SEGMENT CHARACTER 0-2 ? "7"\n.SEGMENT CHARACTER 3 OK "1"\n'
        '.SEGMENT CHARACTER 9 ? "4"\n.SEGMENT WORD 0-3 ? "71"\n.SEGMENT CHARACTER 3 ? "l"\n',
        "data/1a/xyz/two.dat": '.INCLUDE xyz/two.dat\n.SEGMENT DIGIT 0:0-0:3 ? "0"\n'
        '.SEGMENT DIGIT 0:4-0 "2"\n',
        "data/1b/xyz/two.dat": '.INCLUDE xyz/two.dat\n.SEGMENT CHARACTER 1 ? "A"\n',
        "data/1c/xyz/two.dat": '.INCLUDE xyz/two.dat\n.SEGMENT CHARACTER 2 ? "a"\n',
        "data/1d/abc/abc00/one.dat": '.INCLUDE abc/data/abc00/one.dat\n'
        '.SEGMENT CHARACTER 5 ? "."\n.SEGMENT CHARACTER 2 ? "\\""\n.SEGMENT CHARACTER 2 ? "\\@"\n'
        '.SEGMENT CHARACTER 4 ? "-"\n',
        "data/2/abc/more.dat": '.INCLUDE abc/not_there.dat\n.SEGMENT CHARACTER 0 ? "7"\n',
        "include/abc/abc.doc": ABC_HEADER,
        "include/abc/data/abc00/one.dat": ABC_STROKES,
        "include/xyz/two.dat": XYZ_STROKES,
        "doc/copyright.txt": "a notice",
    }  # fmt: skip


def write_archive(path: Path, files: Mapping[str, str] | None = None) -> bytes:
    """Write the archive and return its bytes; a name that begins with / is used as it is."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (unipen_files() if files is None else files).items():
            member = tarfile.TarInfo(name[1:] if name.startswith("/") else f"{ROOT}/{name}")
            content = text.replace("\n", "\r\n" if "xyz" in name else "\n").encode("latin-1")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path.read_bytes()
