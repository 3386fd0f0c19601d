"""Which voice reads which language: the rows of ``voices.yaml`` as values.

Pure but for reading the file; imports no speech library, so the rules hold where none is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from broadcaster.model.errors import Problem, Unsupported

REFERENCE_RATE = 150
"""Words a minute at which ``chars_per_second`` was measured."""
LINE_PAUSE = 0.7
"""Seconds of silence between two sentences (lines), so that a listener can follow in a noisy
street; announcements over loudspeakers use 0.7 to 1 s."""

_NAMES_AT_MOST = 0.75
"""Share of Latin letters a text in another script may have: a list of districts is mostly names,
but a text without its own script is in the wrong language."""
_FOREIGN_AT_MOST = 0.1
"""Share of letters in a third script."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One row of ``voices.yaml`` that speaks."""

    language: str
    """BCP 47 tag."""
    identifier: str
    """The speech library's own name for the voice (``gmw/de``)."""
    scripts: tuple[str, ...]
    """Unicode scripts it reads as words."""
    chars_per_second: float
    """At :data:`REFERENCE_RATE`, without pauses between lines."""

    def seconds(self, text: str, rate: int) -> float:
        """How long the text will be, estimated; ``rate`` in words a minute."""
        lines = spoken_lines(text)
        letters = sum(map(len, lines))
        pauses = LINE_PAUSE * max(len(lines) - 1, 0)
        return letters / self.chars_per_second * REFERENCE_RATE / rate + pauses

    def check(self, text: str) -> None:
        """Raise :class:`Unsupported` when this voice would not read the text as words."""
        import regex

        letters = len(regex.findall(r"\p{L}", text))
        if not letters:
            raise Unsupported(
                Problem(self.language, "there are no words to speak", "write the spoken text")
            )
        own = sum(len(regex.findall(rf"\p{{Script={s}}}", text)) for s in self.scripts)
        latin = 0 if "Latin" in self.scripts else len(regex.findall(r"\p{Script=Latin}", text))
        foreign = max(letters - own - latin, 0)
        if foreign > _FOREIGN_AT_MOST * letters or latin > _NAMES_AT_MOST * letters:
            wanted = " or ".join(self.scripts)
            raise Unsupported(
                Problem(
                    self.language,
                    f"the voice reads {wanted} script and this text is written in another: "
                    "the text is published, no audio in this language",
                    f"write the spoken text in {wanted} script",
                )
            )


@dataclass(frozen=True, slots=True)
class Voices:
    """All rows: the languages that speak and, with its reason, each that cannot."""

    speaking: Mapping[str, Voice]
    silent: Mapping[str, str]

    def get(self, language: str) -> Voice:
        """The voice of a language; raises :class:`Unsupported` with the reason there is none.

        Never the voice of a neighbouring language: a text read by the wrong rules is noise that
        sounds like a warning.
        """
        voice = self.speaking.get(language)
        if voice is not None:
            return voice
        reason = self.silent.get(language, f"no voice for {language!r} is configured")
        raise Unsupported(
            Problem(
                language,
                f"{reason}: the text is published, no audio in this language",
                "have the warning read by a speaker of the language",
            )
        )


def load_voices() -> Voices:
    """Read ``voices.yaml``."""
    import yaml

    source = resources.files("channels.audio").joinpath("voices.yaml").read_text("utf-8")
    rows = yaml.safe_load(source)
    return Voices(
        speaking={
            tag: Voice(tag, row["voice"], tuple(row["scripts"]), float(row["chars_per_second"]))
            for tag, row in rows.items()
            if "voice" in row
        },
        silent={tag: str(row["none"]) for tag, row in rows.items() if "none" in row},
    )


def spoken_lines(text: str) -> list[str]:
    """The sentences of a spoken text: its lines that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]
