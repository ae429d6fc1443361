"""Voice notes as browsers record them → Ogg with Opus, the only form in which WhatsApp plays them as voice notes.

(Cloud API, Media: audio/ogg "opus codecs only; base audio/ogg is not supported"; voice notes are mono.)
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

import av
from av.audio.resampler import AudioResampler

from pytake_app.core.errors import InvalidError

MAX_SECONDS: Final = 15 * 60
RATE: Final = 48_000
BIT_RATE: Final = 32_000
CONTAINERS: Final = frozenset({"matroska", "webm", "ogg", "mov", "mp4", "m4a", "wav", "aac", "mp3"})


def to_voice_note(source: BinaryIO) -> bytes:
    """A recording (WebM, Ogg, MP4, WAV…) as Ogg with mono Opus.

    Parameters:
        source: the file, at its beginning; held in memory only by the decoder.

    Raises:
        InvalidError: `voice_unreadable`: no sound that can be read; `voice_too_long`.
    """
    target = io.BytesIO()
    try:
        with av.open(source, mode="r") as recorded:
            if not CONTAINERS & set(recorded.format.name.split(",")) or not recorded.streams.audio:
                raise _unreadable()
            with av.open(target, mode="w", format="ogg") as note:
                voice = note.add_stream("libopus", rate=RATE, options={"application": "voip"})
                voice.layout = "mono"
                voice.bit_rate = BIT_RATE
                resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
                samples = 0
                for frame in recorded.decode(audio=0):
                    for part in resampler.resample(frame):
                        samples += part.samples
                        if samples > MAX_SECONDS * RATE:
                            raise InvalidError("A voice note may last 15 minutes.", code="voice_too_long")
                        part.pts = None
                        note.mux(voice.encode(part))
                for part in resampler.resample(None):
                    part.pts = None
                    samples += part.samples
                    note.mux(voice.encode(part))
                if not samples:
                    raise _unreadable()
                note.mux(voice.encode(None))
    except (av.FFmpegError, EOFError, ValueError) as error:
        raise _unreadable() from error
    return target.getvalue()


def _unreadable() -> InvalidError:
    return InvalidError("There is no sound in this file that can be read.", code="voice_unreadable")
